#include "chain.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace berth::ner {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// log(sum(exp(values))).
double log_sum(const double* values, std::size_t count) {
  const double largest = *std::max_element(values, values + count);
  if (largest == kNever) return kNever;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += std::exp(values[i] - largest);
  return largest + std::log(sum);
}

// A matrix of log-scores, ready to be multiplied with vectors of log-scores: one exp an entry, done once.
class LogMatrix {
 public:
  LogMatrix(const std::vector<double>& values, std::size_t size)
      : size_(size), values_(values), largest_(*std::max_element(values.begin(), values.end())) {
    for (const double value : values_) exp_.push_back(std::exp(value - largest_));
  }

  // log(exp(row) * M): into `result`.
  void left(const double* row, double* result) { multiply(row, result, size_, 1); }
  // log(M * exp(column)).
  void right(const double* column, double* result) { multiply(column, result, 1, size_); }

 private:
  void multiply(const double* vector, double* result, std::size_t along, std::size_t across) {
    const double largest = *std::max_element(vector, vector + size_);
    if (largest == kNever) {
      std::fill_n(result, size_, kNever);
      return;
    }
    scaled_.clear();
    for (std::size_t i = 0; i < size_; ++i) scaled_.push_back(std::exp(vector[i] - largest));
    for (std::size_t j = 0; j < size_; ++j) {
      double sum = 0;
      for (std::size_t i = 0; i < size_; ++i) sum += scaled_[i] * exp_[i * along + j * across];
      result[j] = sum > kTiny ? largest + largest_ + std::log(sum) : exactly(vector, along, j * across);
    }
  }

  // Where all that may be stepped from lies so far below the largest that its exp vanishes.
  double exactly(const double* vector, std::size_t along, std::size_t from) {
    std::vector<double> terms(size_);
    for (std::size_t i = 0; i < size_; ++i) terms[i] = vector[i] + values_[from + i * along];
    return log_sum(terms.data(), size_);
  }

  static constexpr double kTiny = 1e-200;

  std::size_t size_;
  const std::vector<double>& values_;
  double largest_;
  std::vector<double> exp_;
  std::vector<double> scaled_;
};

}  // namespace

ChainWeights allowed_steps(const kit::TagSet& tags) {
  ChainWeights weights;
  for (std::int64_t from = 0; from < tags.size(); ++from) {
    weights.start.push_back(tags.may_begin(from) ? 0 : kNever);
    weights.end.push_back(tags.may_end(from) ? 0 : kNever);
    for (std::int64_t to = 0; to < tags.size(); ++to) {
      weights.transitions.push_back(tags.may_follow(from, to) ? 0 : kNever);
    }
  }
  return weights;
}

std::vector<std::int64_t> best_tags(const Emissions& emissions, const ChainWeights& weights) {
  const std::size_t words = emissions.words();
  const std::size_t tags = emissions.tags;
  std::vector<std::int64_t> best(words);
  if (weights.empty()) {
    for (std::size_t w = 0; w < words; ++w) {
      best[w] = std::max_element(emissions.of(w), emissions.of(w) + tags) - emissions.of(w);
    }
    return best;
  }
  if (words == 0) return best;
  std::vector<std::size_t> from(words * tags);  // the best tag before each
  std::vector<double> score(tags);
  for (std::size_t t = 0; t < tags; ++t) score[t] = weights.start[t] + emissions.of(0)[t];
  std::vector<double> next(tags);
  for (std::size_t w = 1; w < words; ++w) {
    for (std::size_t t = 0; t < tags; ++t) {
      std::size_t chosen = 0;
      for (std::size_t p = 1; p < tags; ++p) {
        if (score[p] + weights.transitions[p * tags + t] > score[chosen] + weights.transitions[chosen * tags + t]) {
          chosen = p;
        }
      }
      from[w * tags + t] = chosen;
      next[t] = score[chosen] + weights.transitions[chosen * tags + t] + emissions.of(w)[t];
    }
    score.swap(next);
  }
  for (std::size_t t = 0; t < tags; ++t) score[t] += weights.end[t];
  auto tag = static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin());
  for (std::size_t w = words; w-- > 0;) {
    best[w] = static_cast<std::int64_t>(tag);
    tag = from[w * tags + tag];
  }
  return best;
}

Marginals::Marginals(const Emissions& emissions, const ChainWeights& weights)
    : emissions_(emissions), weights_(weights), forward_(emissions.values) {
  const std::size_t tags = emissions_.tags;
  if (!weights_.empty()) {
    if (emissions_.words() > 0) run_chain();
    return;
  }
  for (std::size_t w = 0; w < emissions_.words(); ++w) {
    const double sum = log_sum(emissions_.of(w), tags);
    for (std::size_t t = 0; t < tags; ++t) forward_[w * tags + t] -= sum;
  }
}

void Marginals::run_chain() {
  const std::size_t tags = emissions_.tags;
  const std::size_t words = emissions_.words();
  LogMatrix steps(weights_.transitions, tags);
  for (std::size_t t = 0; t < tags; ++t) forward_[t] += weights_.start[t];
  std::vector<double> row(tags);
  for (std::size_t w = 1; w < words; ++w) {
    steps.left(&forward_[(w - 1) * tags], row.data());
    for (std::size_t t = 0; t < tags; ++t) forward_[w * tags + t] += row[t];
  }
  backward_.resize(words * tags);
  std::copy(weights_.end.begin(), weights_.end.end(), backward_.end() - static_cast<std::ptrdiff_t>(tags));
  for (std::size_t w = words - 1; w-- > 0;) {
    for (std::size_t t = 0; t < tags; ++t) row[t] = emissions_.of(w + 1)[t] + backward_[(w + 1) * tags + t];
    steps.right(row.data(), &backward_[w * tags]);
  }
  for (std::size_t t = 0; t < tags; ++t) row[t] = forward_[(words - 1) * tags + t] + weights_.end[t];
  total_ = log_sum(row.data(), tags);
}

double Marginals::of(const std::vector<std::int64_t>& tags, std::size_t begin, std::size_t end) const {
  const std::size_t count = emissions_.tags;
  const auto at = [&](std::size_t word) { return word * count + static_cast<std::size_t>(tags[word]); };
  double log = forward_[at(begin)];
  if (weights_.empty()) {
    for (std::size_t w = begin + 1; w < end; ++w) log += forward_[at(w)];
    return std::exp(log);
  }
  for (std::size_t w = begin + 1; w < end; ++w) {
    log += weights_.transitions[static_cast<std::size_t>(tags[w - 1]) * count + static_cast<std::size_t>(tags[w])] +
           emissions_.values[at(w)];
  }
  return std::min(1.0, std::exp(log + backward_[at(end - 1)] - total_));
}

}  // namespace berth::ner

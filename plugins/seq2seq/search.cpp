#include "search.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace berth::seq2seq {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

struct Candidate {
  double score = kMinusInfinity;
  std::int64_t beam = 0;  // of its sequence
  std::int64_t token = 0;
};

// The best candidates seen, best first. Offered in the order of beams and tokens, so that a later one has to be better.
class Best {
 public:
  explicit Best(std::size_t size) : size_(size) {}

  double least() const { return kept_.size() < size_ ? kMinusInfinity : kept_.back().score; }

  void offer(const Candidate& candidate) {
    if (!(candidate.score > least())) return;  // NaN neither
    const auto place = std::upper_bound(kept_.begin(), kept_.end(), candidate,
                                        [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    kept_.insert(place, candidate);
    if (kept_.size() > size_) kept_.pop_back();
  }

  const std::vector<Candidate>& kept() const { return kept_; }

 private:
  std::size_t size_;
  std::vector<Candidate> kept_;
};

struct Ranked {
  Hypothesis hypothesis;
  double rank = 0;
};

struct Sequence {
  std::int64_t number = 0;            // among all sequences
  std::vector<Hypothesis> live;       // at most K, best first
  std::vector<std::int64_t> parents;  // of the live ones: the beam each goes on from
  std::vector<Ranked> finished;       // the best K, best first
  bool is_done = false;
};

void to_int64(const std::vector<std::int64_t>& values, at::Tensor& tensor) {
  tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.mutable_data_ptr<std::int64_t>());
}

at::Tensor int64_tensor(const std::vector<std::int64_t>& values) {
  at::Tensor tensor;
  to_int64(values, tensor);
  return tensor;
}

class Search {
 public:
  Search(StepModel& model, std::int64_t sequences, const SearchOptions& options)
      : model_(model), options_(options), beams_(static_cast<std::size_t>(options.beams)), results_(sequences) {
    for (std::int64_t i = 0; i < sequences; ++i) active_.push_back({i, {Hypothesis{}}, {}, {}, false});
  }

  std::vector<Hypothesis> run() {
    at::Tensor tokens = at::full({static_cast<std::int64_t>(active_.size() * beams_)}, options_.begin, at::kLong);
    at::Tensor parents;
    for (length_ = 0; !active_.empty(); ++length_) {
      const at::Tensor scores = model_.step(tokens, parents).contiguous();
      for (std::size_t i = 0; i < active_.size(); ++i) advance(active_[i], scores, i * beams_);
      find_origins();
      drop_finished();
      next_rows(tokens, parents);
    }
    return std::move(results_);
  }

 private:
  // Takes the best continuations of a sequence's hypotheses, whose rows begin at `row`.
  void advance(Sequence& sequence, const at::Tensor& scores, std::size_t row) {
    if (sequence.is_done) return;
    Best best(2 * beams_);  // if K of them end, K are left to go on
    for (std::size_t beam = 0; beam < sequence.live.size(); ++beam) {
      const at::Tensor of_beam = scores.select(0, static_cast<std::int64_t>(row + beam));
      if (scores.scalar_type() == at::kDouble) {
        offer(sequence.live[beam], beam, of_beam.const_data_ptr<double>(), of_beam.numel(), best);
      } else {
        offer(sequence.live[beam], beam, of_beam.const_data_ptr<float>(), of_beam.numel(), best);
      }
    }
    take(sequence, best.kept());
  }

  template <typename Real>
  void offer(const Hypothesis& hypothesis, std::size_t beam, const Real* scores, std::int64_t count, Best& best) {
    const auto index = static_cast<std::int64_t>(beam);
    if (length_ >= options_.max_length) {
      best.offer({hypothesis.score + static_cast<double>(scores[options_.end]), index, options_.end});
      return;
    }
    forbidden_.assign(options_.banned.begin(), options_.banned.end());
    if (length_ < options_.min_length) forbidden_.push_back(options_.end);
    block_ngrams(hypothesis.tokens);
    std::sort(forbidden_.begin(), forbidden_.end());
    auto next_forbidden = forbidden_.begin();
    for (std::int64_t token = 0; token < count; ++token) {
      while (next_forbidden != forbidden_.end() && *next_forbidden < token) ++next_forbidden;
      const double score = hypothesis.score + static_cast<double>(scores[token]);
      if (!(score > best.least())) continue;
      if (next_forbidden != forbidden_.end() && *next_forbidden == token) continue;
      best.offer({score, index, token});
    }
  }

  // Forbids what would repeat a sequence of block_ngrams tokens.
  void block_ngrams(const std::vector<std::int64_t>& tokens) {
    const auto before = static_cast<std::size_t>(options_.block_ngrams - 1);
    if (options_.block_ngrams <= 0 || tokens.size() <= before) return;
    const auto tail = tokens.end() - static_cast<std::ptrdiff_t>(before);
    for (auto at = tokens.begin(); at != tail; ++at) {
      if (std::equal(tail, tokens.end(), at)) forbidden_.push_back(*(at + static_cast<std::ptrdiff_t>(before)));
    }
  }

  void take(Sequence& sequence, const std::vector<Candidate>& candidates) {
    const std::vector<Hypothesis> previous = std::move(sequence.live);
    sequence.live.clear();
    sequence.parents.clear();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& candidate = candidates[i];
      Hypothesis hypothesis = previous[static_cast<std::size_t>(candidate.beam)];
      hypothesis.score = candidate.score;
      if (candidate.token == options_.end) {
        if (i < beams_) finish(sequence, std::move(hypothesis));
      } else if (sequence.live.size() < beams_) {
        hypothesis.tokens.push_back(candidate.token);
        sequence.live.push_back(std::move(hypothesis));
        sequence.parents.push_back(candidate.beam);
      }
    }
    if (candidates.empty() && sequence.finished.empty()) finish(sequence, previous.front());
    sequence.is_done = is_done(sequence);
  }

  void finish(Sequence& sequence, Hypothesis hypothesis) const {
    const double rank = hypothesis.score / penalty(static_cast<double>(hypothesis.tokens.size() + 1));
    const auto place = std::upper_bound(sequence.finished.begin(), sequence.finished.end(), rank,
                                        [](double value, const Ranked& other) { return value > other.rank; });
    sequence.finished.insert(place, {std::move(hypothesis), rank});
    if (sequence.finished.size() > beams_) sequence.finished.pop_back();
  }

  double penalty(double length) const { return std::pow((5 + length) / 6, options_.length_penalty); }

  bool is_done(const Sequence& sequence) const {
    if (sequence.live.empty()) return true;
    if (sequence.finished.size() < beams_) return false;
    if (options_.early_stopping || beams_ == 1) return true;
    // No continuation scores higher than the hypothesis it goes on from; its rank is best at one end of the lengths.
    const double score = sequence.live.front().score;
    const double rank = std::max(score / penalty(static_cast<double>(options_.max_length + 1)),
                                 score / penalty(static_cast<double>(length_ + 2)));
    return sequence.finished.back().rank >= rank;
  }

  // Of the tokens that were just taken.
  void find_origins() {
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> tokens;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      for (std::size_t k = 0; k < active_[i].live.size() && !active_[i].is_done; ++k) {
        rows.push_back(static_cast<std::int64_t>(i * beams_) + active_[i].parents[k]);
        tokens.push_back(active_[i].live[k].tokens.back());
      }
    }
    if (rows.empty()) return;
    const at::Tensor origins = model_.origins(int64_tensor(rows), int64_tensor(tokens)).contiguous();
    const auto* origin = origins.const_data_ptr<std::int64_t>();
    for (Sequence& sequence : active_) {
      if (sequence.is_done) continue;
      for (Hypothesis& hypothesis : sequence.live) hypothesis.origins.push_back(*origin++);
    }
  }

  // Finished sequences leave once they are half of all, since leaving copies what the others keep.
  void drop_finished() {
    std::vector<std::int64_t> going;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      if (!active_[i].is_done) going.push_back(static_cast<std::int64_t>(i));
    }
    if (2 * going.size() > active_.size()) return;
    std::vector<Sequence> left;
    for (Sequence& sequence : active_) {
      if (!sequence.is_done) {
        left.push_back(std::move(sequence));
      } else {
        results_[static_cast<std::size_t>(sequence.number)] = std::move(sequence.finished.front().hypothesis);
      }
    }
    active_ = std::move(left);
    if (!active_.empty()) model_.keep(int64_tensor(going));
  }

  // Rows without a live hypothesis repeat the sequence's first; nobody looks at them.
  void next_rows(at::Tensor& tokens, at::Tensor& parents) const {
    std::vector<std::int64_t> last;
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < active_.size(); ++i) {
      const Sequence& sequence = active_[i];
      for (std::size_t k = 0; k < beams_; ++k) {
        const bool is_live = k < sequence.live.size() && !sequence.is_done;
        last.push_back(is_live ? sequence.live[k].tokens.back() : options_.begin);
        rows.push_back(static_cast<std::int64_t>(i * beams_) + (is_live ? sequence.parents[k] : 0));
      }
    }
    to_int64(last, tokens);
    to_int64(rows, parents);
  }

  StepModel& model_;
  const SearchOptions& options_;
  std::size_t beams_;
  std::int64_t length_ = 0;  // tokens of the live hypotheses
  std::vector<Sequence> active_;
  std::vector<Hypothesis> results_;  // one a sequence
  std::vector<std::int64_t> forbidden_;
};

}  // namespace

std::vector<Hypothesis> search(StepModel& model, std::int64_t sequences, const SearchOptions& options) {
  return Search(model, sequences, options).run();
}

}  // namespace berth::seq2seq

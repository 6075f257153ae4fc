#include "answer_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "berth/error.h"
#include "windows.h"

namespace berth::qa {
namespace {

// The tokens of [first, last) with the highest scores, at most `count`, in no order; of equal ones the first.
std::vector<std::size_t> top(const double* scores, const ContextTokens& tokens, std::size_t count) {
  std::vector<std::size_t> indices(tokens.last - tokens.first);
  std::iota(indices.begin(), indices.end(), tokens.first);
  if (count >= indices.size()) return indices;
  const auto better = [scores](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  std::nth_element(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(count), indices.end(), better);
  indices.resize(count);
  return indices;
}

bool is_finite(const ScoredWindow& window) {
  const std::size_t size = window.encoding.size();
  const auto finite = [](double score) { return std::isfinite(score); };
  return std::all_of(window.starts, window.starts + size, finite) &&
         std::all_of(window.ends, window.ends + size, finite);
}

bool is_better(const Candidate& a, const Candidate& b) {
  return std::make_tuple(-a.score, a.span.begin, a.span.end) < std::make_tuple(-b.score, b.span.begin, b.span.end);
}

Candidate candidate(const ScoredWindow& window, std::size_t start, std::size_t end) {
  const std::vector<Span>& offsets = window.encoding.offsets;
  return {{offsets[start].begin, offsets[end].end}, window.starts[start] + window.ends[end]};
}

// Where no likely start goes with a likely end, as happens with models that have learned little.
std::vector<Candidate> all_pairs(const ScoredWindow& window, const ContextTokens& tokens, std::size_t length) {
  std::vector<Candidate> found;
  for (std::size_t start = tokens.first; start < tokens.last; ++start) {
    for (std::size_t end = start; end < std::min(start + length, tokens.last); ++end) {
      found.push_back(candidate(window, start, end));
    }
  }
  return found;
}

}  // namespace

void AnswerSearch::add(const ScoredWindow& window) {
  if (!is_finite(window)) {
    throw Error(ErrorKind::kNumeric, "the model gives a score that is not finite for where an answer starts or ends");
  }
  const double null_score = window.starts[0] + window.ends[0];
  null_score_ = is_empty_ ? null_score : std::min(null_score_, null_score);
  is_empty_ = false;

  const ContextTokens tokens = context_tokens(window.encoding);
  const auto length = static_cast<std::size_t>(options_.max_answer_length);
  std::vector<Candidate> found;
  const std::vector<std::size_t> ends = top(window.ends, tokens, options_.n_best);
  for (const std::size_t start : top(window.starts, tokens, options_.n_best)) {
    for (const std::size_t end : ends) {
      if (start <= end && end - start < length) found.push_back(candidate(window, start, end));
    }
  }
  if (found.empty()) found = all_pairs(window, tokens, length);
  const std::size_t kept = std::min(found.size(), options_.n_best);
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), is_better);
  found_.insert(found_.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept));
}

std::vector<Candidate> AnswerSearch::best() const {
  std::vector<Candidate> sorted = found_;
  std::sort(sorted.begin(), sorted.end(), is_better);
  std::vector<Candidate> result;
  for (const Candidate& candidate : sorted) {
    const auto same = [&](const Candidate& other) { return other.span == candidate.span; };
    if (result.size() < options_.n_best && std::none_of(result.begin(), result.end(), same)) {
      result.push_back(candidate);
    }
  }
  return result;
}

}  // namespace berth::qa

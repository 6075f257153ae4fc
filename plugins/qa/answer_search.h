// From a model's scores for start and end to the likeliest answers of a question, over all of its windows. Follows
// transformers' run_qa; the task calls it to decode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "berth/tokenizer.h"

namespace berth::qa {

struct SearchOptions {
  std::size_t n_best = 20;              // answers to give, and starts and ends to pair in each window
  std::int64_t max_answer_length = 30;  // tokens
};

struct Candidate {
  Span span;         // of the context, in bytes
  double score = 0;  // of its start and of its end, added
};

// One window with its scores, one of each a token. Read during the call only.
struct ScoredWindow {
  const Encoding& encoding;
  const double* starts;
  const double* ends;
};

// Collects one question's answers, window by window.
class AnswerSearch {
 public:
  explicit AnswerSearch(const SearchOptions& options) : options_(options) {}

  // Throws Error kNumeric for a score that is not finite.
  void add(const ScoredWindow& window);

  // At most n_best, the best first; of equal ones that which comes first in the context. Each stretch of the context
  // once, though windows share some. None where no window has a token of the context.
  std::vector<Candidate> best() const;

  // The score of "no answer", the sum of the scores at [CLS]: of the window where it is least, since all must agree
  // that there is none.
  double null_score() const { return null_score_; }

 private:
  SearchOptions options_;
  std::vector<Candidate> found_;
  double null_score_ = 0;
  bool is_empty_ = true;
};

}  // namespace berth::qa

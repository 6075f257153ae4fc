// The no-answer threshold of SQuAD 2.0: which is best for a set, as the official script says and as the task keeps it.
#pragma once

#include <vector>

namespace berth::qa {

// One question, its best answer scored as if it were given.
struct Judged {
  double null_odds = 0;
  double score = 0;         // exact or F1, 0 to 1
  bool has_answer = false;  // in truth
  bool is_answered = true;  // the best answer is not empty
};

struct BestThreshold {
  double score = 0;      // mean over the questions, 0 to 1
  double threshold = 0;  // no answer is given where the odds are above it
};

// find_best_thresh of evaluate-v2.0.py, in all it does: the threshold is 0 where giving no answer at all is the best,
// and questions of equal odds, which no threshold can part, are counted one after the other in the order given.
// NaN without questions.
BestThreshold official_best_threshold(const std::vector<Judged>& questions);

// What the task chooses: the best threshold there is, of equally good ones the lowest; half way to the next question's
// odds, where there is one.
double choose_threshold(const std::vector<Judged>& questions);

}  // namespace berth::qa

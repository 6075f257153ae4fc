#include "thresholds.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace berth::qa {
namespace {

// By rising odds, questions of equal ones in the order given.
std::vector<Judged> sorted(std::vector<Judged> questions) {
  std::stable_sort(questions.begin(), questions.end(),
                   [](const Judged& a, const Judged& b) { return a.null_odds < b.null_odds; });
  return questions;
}

// What giving its best answer to a question adds to the sum, compared with giving none.
double gain(const Judged& question) {
  if (question.has_answer) return question.score;
  return question.is_answered ? -1 : 0;
}

double count_without_answer(const std::vector<Judged>& questions) {
  return static_cast<double>(
      std::count_if(questions.begin(), questions.end(), [](const Judged& q) { return !q.has_answer; }));
}

// Half way, or `low` itself where no number lies between the two.
double between(double low, double high) {
  const double middle = low + (high - low) / 2;
  return middle < high ? middle : low;
}

}  // namespace

BestThreshold official_best_threshold(const std::vector<Judged>& questions) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (questions.empty()) return {kNaN, kNaN};
  double sum = count_without_answer(questions);
  BestThreshold best = {sum, 0};
  for (const Judged& question : sorted(questions)) {
    sum += gain(question);
    if (sum > best.score) best = {sum, question.null_odds};
  }
  best.score /= static_cast<double>(questions.size());
  return best;
}

double choose_threshold(const std::vector<Judged>& questions) {
  if (questions.empty()) return 0;
  const std::vector<Judged> order = sorted(questions);
  double sum = 0;
  double best = 0;
  const double least = order.front().null_odds;
  double threshold = least - std::max(1.0, std::abs(least) * 1e-6);  // below all: no answer is given at all
  for (std::size_t i = 0; i < order.size(); ++i) {
    sum += gain(order[i]);
    const bool is_last = i + 1 == order.size();
    if (!is_last && order[i + 1].null_odds == order[i].null_odds) continue;
    if (sum <= best) continue;
    best = sum;
    threshold = is_last ? order[i].null_odds : between(order[i].null_odds, order[i + 1].null_odds);
  }
  return threshold;
}

}  // namespace berth::qa

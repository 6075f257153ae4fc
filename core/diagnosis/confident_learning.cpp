#include "core/diagnosis/confident_learning.h"

#include <algorithm>

namespace berth::diagnosis {
namespace {

// Of each class, how sure the model is of it on average where it is the given label. A class without texts: never.
std::vector<double> thresholds(const Probabilities& probabilities, const std::vector<std::size_t>& labels) {
  std::vector<double> sums(probabilities.front().size());
  std::vector<double> counts(sums.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    sums[labels[i]] += probabilities[i][labels[i]];
    ++counts[labels[i]];
  }
  for (std::size_t c = 0; c < sums.size(); ++c) sums[c] = counts[c] > 0 ? sums[c] / counts[c] : 2;
  return sums;
}

// The class that the text is counted as, or the given one where the model is sure of none. Of several, the likeliest of
// all.
std::size_t counted_as(const std::vector<double>& row, const std::vector<double>& least, std::size_t given) {
  constexpr double kRounding = 1e-6;
  std::size_t sure = 0;
  std::size_t first = given;
  for (std::size_t c = row.size(); c-- > 0;) {
    if (row[c] < least[c] - kRounding) continue;
    ++sure;
    first = c;
  }
  if (sure <= 1) return first;
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace

std::vector<LabelIssue> find_label_issues(const Probabilities& probabilities, const std::vector<std::size_t>& labels) {
  const auto least = thresholds(probabilities, labels);
  std::vector<LabelIssue> issues;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto& row = probabilities[i];
    const auto given = labels[i];
    const auto likeliest = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    if (likeliest == given || counted_as(row, least, given) == given) continue;
    issues.push_back({i, given, likeliest, row[given] - row[likeliest]});
  }
  std::stable_sort(issues.begin(), issues.end(),
                   [](const LabelIssue& a, const LabelIssue& b) { return a.margin < b.margin; });
  return issues;
}

}  // namespace berth::diagnosis

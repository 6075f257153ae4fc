// Labels that are likely wrong, by confident learning (Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating
// Uncertainty in Dataset Labels"): a text is counted as another label than the given one where a model that has not
// seen it is as sure of that other label as it is, on average, of texts that carry it. Details as in the authors'
// package cleanlab, with filter_by="confident_learning". A model that knows little finds only the coarse errors.
#pragma once

#include <cstddef>
#include <vector>

namespace berth::diagnosis {

using Probabilities = std::vector<std::vector<double>>;  // of each text, one a class

struct LabelIssue {
  std::size_t sample = 0;
  std::size_t given = 0;
  std::size_t suggested = 0;  // the likeliest class
  double margin = 0;          // probability of the given label less the largest of the others: -1 to 0
};

// Out-of-sample probabilities and given labels, of the same texts; at least one text. The issues are sorted by margin,
// the worst first.
std::vector<LabelIssue> find_label_issues(const Probabilities& probabilities, const std::vector<std::size_t>& labels);

}  // namespace berth::diagnosis

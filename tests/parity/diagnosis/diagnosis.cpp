// Feeds cases (JSON lines) through core/diagnosis; compare.py holds the results against scipy, scikit-learn and
// cleanlab.
//   {"lengths": [[...], [...]]}                            -> {"statistic", "p"}
//   {"labels": [["a", ...], ["b", ...]]}                   -> {"chi_square", "p", "total_variation"}
//   {"texts": [[token, ...], ...], "classes": [...], "count": N, "others": [[token, ...], ...]}
//       -> {"probabilities": [[...], ...]} of the others, by a model that learned from the texts to the last digits
//   {"probabilities": [[...], ...], "given": [...]}        -> {"issues": [[sample, suggested, margin], ...]}
#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/diagnosis/bag_of_words.h"
#include "core/diagnosis/confident_learning.h"
#include "core/diagnosis/shift.h"
#include "core/statistics/softmax_regression.h"

namespace {

using namespace berth::diagnosis;
using Json = nlohmann::json;

SampleSet texts_of(const Json& texts) {
  SampleSet set;
  for (const auto& text : texts) {
    auto& sample = set.samples.emplace_back();
    sample.words = text.get<std::vector<std::int32_t>>();
    std::sort(sample.words.begin(), sample.words.end());
  }
  return set;
}

SampleSet labels_of(const Json& labels) {
  SampleSet set;
  for (const auto& label : labels) set.samples.emplace_back().label = label.get<std::string>();
  return set;
}

Json fit(const Json& one) {
  const auto train = texts_of(one["texts"]);
  const BagOfWords words(train);
  const auto rows = words.rows(train);
  const at::Tensor labels = at::tensor(one["classes"].get<std::vector<std::int64_t>>(), at::kLong);
  const auto classes = one["count"].get<std::int64_t>();
  const auto model = berth::statistics::fit_softmax_regression(
      rows, labels, {classes, berth::statistics::scikit_learn_penalty(classes), 1e-9});
  const at::Tensor chances = model.log_probabilities(words.rows(texts_of(one["others"]))).exp();
  const auto* data = chances.const_data_ptr<double>();
  Json result = Json::array();
  for (std::int64_t row = 0; row < chances.size(0); ++row, data += classes) {
    result.push_back(std::vector<double>(data, data + classes));
  }
  return {{"probabilities", result}};
}

Json answer(const Json& one) {
  if (one.contains("lengths")) {
    const auto shift = compare_lengths(one["lengths"][0], one["lengths"][1]);
    return {{"statistic", shift.statistic}, {"p", shift.p}};
  }
  if (one.contains("labels")) {
    const auto shift = compare_labels(labels_of(one["labels"][0]), labels_of(one["labels"][1]));
    return {{"chi_square", shift.chi_square}, {"p", shift.p}, {"total_variation", shift.total_variation}};
  }
  if (one.contains("texts")) return fit(one);
  Json issues = Json::array();
  for (const auto& issue : find_label_issues(one["probabilities"].get<Probabilities>(), one["given"])) {
    issues.push_back({issue.sample, issue.suggested, issue.margin});
  }
  return {{"issues", issues}};
}

}  // namespace

int main() {
  std::string line;
  try {
    while (std::getline(std::cin, line)) std::cout << answer(Json::parse(line)).dump() << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
  return 0;
}

// Feeds cases (JSON lines) through the classification plugin's own objects; compare.py holds the results against numpy,
// scikit-learn and scipy.
//   {"kind": "single" | "multi", "parts": N, "temperature": T, "logits": [[...], ...], "truth": [[index, ...], ...]}
//       -> {"scores": {"ece", "brier", "nll"}, "table": {...}, "best": the temperature that suits the texts}
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "berth/kit/json.h"
#include "plugins/classification/metric.h"
#include "plugins/classification/prediction.h"

namespace {

using namespace berth::classification;
using berth::kit::Json;

void add(berth::Metric& metric, const Json& one, std::size_t text) {
  const Json::Array& row = one.at("logits").as_array()[text].as_array();
  std::vector<double> logits;
  std::vector<std::string> names;
  for (const Json& logit : row) {
    names.push_back("label " + std::to_string(logits.size()));
    logits.push_back(logit.as_double());
  }
  ClassificationExample example(berth::kit::Record({}, {}));
  example.maps = std::make_shared<LabelMaps>();
  example.labels.emplace();
  for (const Json& label : one.at("truth").as_array()[text].as_array()) {
    example.labels->push_back(names.at(static_cast<std::size_t>(label.as_int())));
  }
  DecisionRule rule;
  rule.kind = one.at("kind").as_string() == "multi" ? Kind::kMultiLabel : Kind::kSingleLabel;
  rule.temperature = one.at("temperature").as_double();
  const auto labels = std::make_shared<const berth::kit::LabelSet>(berth::kit::LabelSet::listed(names));
  metric.add(example, ClassificationPrediction(rule, labels, logits));
}

Json answer(const Json& one) {
  MetricOptions options;
  options.kind = one.at("kind").as_string() == "multi" ? Kind::kMultiLabel : Kind::kSingleLabel;
  options.keeps_logits = true;
  const auto parts = static_cast<std::size_t>(one.at("parts").as_int());
  const std::size_t texts = one.at("logits").as_array().size();
  const auto whole = make_classification_metric(options);
  for (std::size_t p = 0; p < parts; ++p) {  // several processes' parts, put together
    const auto part = make_classification_metric(options);
    for (std::size_t i = texts * p / parts; i < texts * (p + 1) / parts; ++i) add(*part, one, i);
    whole->merge(part->state());
  }
  Json scores;
  for (const berth::Score& score : whole->result()) {
    if (is_calibration_score(score.name)) scores.set(score.name, score.value);
  }
  Json result;
  result.set("scores", scores);
  result.set("table", berth::kit::parse_json(whole->files().at(0).text));
  result.set("best", best_temperature(*whole));
  return result;
}

}  // namespace

int main() {
  std::string line;
  try {
    while (std::getline(std::cin, line)) {
      std::cout << berth::kit::dump_json(answer(berth::kit::parse_json(line))) << "\n";
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
  return 0;
}

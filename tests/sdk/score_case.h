// Scores one case of metrics.json, or of the live comparison with scikit-learn, with the kit's meters.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "berth/kit/json.h"
#include "berth/kit/meters.h"

namespace berth::test {

using Scores = std::vector<std::pair<std::string, double>>;

inline void append(Scores& scores, const kit::AveragedPrecisionRecall& averages) {
  const std::pair<std::string, kit::PrecisionRecall> all[] = {
      {"micro", averages.micro}, {"macro", averages.macro}, {"weighted", averages.weighted}};
  for (const auto& [name, value] : all) {
    scores.emplace_back("precision_" + name, value.precision);
    scores.emplace_back("recall_" + name, value.recall);
    scores.emplace_back("f1_" + name, value.f1);
  }
}

inline std::vector<std::string> strings(const kit::Json& array) {
  std::vector<std::string> result;
  for (const kit::Json& item : array.as_array()) result.push_back(item.as_string());
  return result;
}

// Cuts the examples into `parts` meters by turns and merges their states, in the reverse order.
template <typename Meter, typename Add>
Meter metered(const kit::Json& one, int parts, Add&& add) {
  const auto& truth = one.at("truth").as_array();
  const auto& prediction = one.at("prediction").as_array();
  std::vector<Meter> meters(static_cast<std::size_t>(parts));
  for (std::size_t i = 0; i < truth.size(); ++i) add(meters[i % meters.size()], truth[i], prediction[i]);
  Meter whole = meters.back();
  for (std::size_t i = meters.size() - 1; i-- > 0;) whole.merge(meters[i].state());
  return whole;
}

inline Scores score_single(const kit::Json& one, int parts) {
  const auto meter = metered<kit::ConfusionMeter>(
      one, parts, [](auto& m, const kit::Json& t, const kit::Json& p) { m.add(t.as_string(), p.as_string()); });
  Scores scores = {{"accuracy", meter.accuracy()}};
  append(scores, meter.averages());
  scores.emplace_back("matthews", meter.matthews());
  return scores;
}

inline Scores score_multi(const kit::Json& one, int parts) {
  auto meter = metered<kit::MultiLabelMeter>(
      one, parts, [](auto& m, const kit::Json& t, const kit::Json& p) { m.add(strings(t), strings(p)); });
  for (const std::string& label : strings(one.at("labels"))) meter.declare(label);
  Scores scores = {{"accuracy", meter.accuracy()}};
  append(scores, meter.averages());
  return scores;
}

inline Scores score_regression(const kit::Json& one, int parts) {
  const auto meter = metered<kit::RegressionMeter>(
      one, parts, [](auto& m, const kit::Json& t, const kit::Json& p) { m.add(t.as_double(), p.as_double()); });
  return {{"pearson", meter.pearson()},
          {"spearman", meter.spearman()},
          {"mse", meter.mean_squared_error()},
          {"mae", meter.mean_absolute_error()}};
}

// one: {"kind": "single" | "multi" | "regression", "truth": [...], "prediction": [...], "labels": [...] for multi}
inline Scores score_case(const kit::Json& one, int parts) {
  const std::string& kind = one.at("kind").as_string();
  if (kind == "single") return score_single(one, parts);
  return kind == "multi" ? score_multi(one, parts) : score_regression(one, parts);
}

}  // namespace berth::test

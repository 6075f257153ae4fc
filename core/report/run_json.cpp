#include "core/report/run_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "berth/version.h"

namespace berth::report {
namespace {

Json bias_json(const debias::BiasReport& report) {
  return {{"accuracy", report.accuracy},
          {"probability", report.probability},
          {"majority", report.majority},
          {"features", report.features}};
}

}  // namespace

std::string version() {
  return fmt::format("{}.{}.{}", BERTH_SDK_VERSION_MAJOR, BERTH_SDK_VERSION_MINOR, BERTH_SDK_VERSION_PATCH);
}

Json scores_json(const evaluation::Evaluation& evaluation) {
  Json json = Json::object();
  for (const auto& score : evaluation.scores) json[score.name] = score.value;
  return json;
}

Json groups_json(const evaluation::Evaluation& evaluation) {
  Json json;
  for (const auto& [group, scores] : evaluation.groups) {
    for (const auto& score : scores) json[group][score.name] = score.value;
  }
  return json;
}

void add_set(Json& entry, const std::string& set, const evaluation::Evaluation& evaluation) {
  entry["sets"][set] = scores_json(evaluation);
  if (evaluation.groups.empty()) return;
  entry["groups"][set] = groups_json(evaluation);
  entry["worst_group"][set] = evaluation.worst_group();
}

Json debiasing_json(const debias::Debiasing& debiasing) {
  Json json;
  if (debiasing.report()) json["bias"] = bias_json(*debiasing.report());
  if (const auto gate = debiasing.mean_gate()) json["mean_gate"] = *gate;
  if (const auto* dro = debiasing.dro()) {
    const auto sizes = debiasing.groups().sizes();
    for (std::size_t g = 0; g < sizes.size(); ++g) {
      json["groups"][debiasing.groups().names[g]] = {{"weight", dro->weights()[g]}, {"features", sizes[g]}};
    }
  }
  return json;
}

}  // namespace berth::report

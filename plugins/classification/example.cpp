#include "example.h"

namespace berth::classification {
namespace {

const std::string& mapped(const std::map<std::string, std::string>& map, const std::string& label) {
  const auto found = map.find(label);
  return found == map.end() ? label : found->second;
}

}  // namespace

std::optional<std::vector<std::string>> ClassificationExample::task_labels() const {
  if (!labels || (maps->labels.empty() && !maps->predictions.empty())) return std::nullopt;
  std::vector<std::string> result;
  for (const std::string& label : *labels) result.push_back(mapped(maps->labels, label));
  return result;
}

std::optional<std::vector<std::string>> ClassificationExample::metric_labels() const {
  return maps->predictions.empty() ? task_labels() : labels;
}

const std::string& ClassificationExample::metric_label(const std::string& predicted) const {
  return mapped(maps->predictions, predicted);
}

}  // namespace berth::classification

#include "core/report/prediction_line.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "berth/error.h"
#include "core/model/json_text.h"

namespace berth::report {

std::string prediction_line(const std::string& input, const std::string& task, const std::string& prediction) {
  using Json = nlohmann::ordered_json;
  Json line = Json::parse(input, nullptr, /*allow_exceptions=*/false);
  const Json answer = Json::parse(prediction, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object() || !answer.is_object()) {
    throw Error(ErrorKind::kPlugin, fmt::format("task '{}': {} is not a JSON object: {}", task,
                                                line.is_object() ? "Prediction::json()" : "Example::json()",
                                                line.is_object() ? prediction : input));
  }
  line["task"] = task;
  for (const auto& [key, value] : answer.items()) line[key] = value;
  return model::one_line(line);
}

}  // namespace berth::report

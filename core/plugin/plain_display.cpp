#include "core/plugin/plain_display.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/model/json_text.h"

namespace berth::plugin {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return model::one_line(value);
}

void judge(const std::string& label, Shown& shown) {
  const bool is_right = shown.answer == label;
  shown.decisions.push_back({label, shown.answer, is_right});
  if (is_right) return;
  shown.error = 1;
  shown.reason = fmt::format("got '{}'; '{}' is right", shown.answer, label);
}

}  // namespace

Shown show_plainly(const PlainAnswer& answer) {
  Shown shown;
  const auto fields = Json::parse(answer.example, nullptr, /*allow_exceptions=*/false);
  if (fields.is_object()) {
    for (const auto& [name, value] : fields.items()) {
      auto text = text_of(value);
      if (text != answer.label) shown.texts.push_back({name, std::move(text), {}});
    }
  } else {
    shown.texts.push_back({"example", answer.example, {}});
  }
  const auto end = answer.label.find_last_not_of('\n') + 1;
  for (const char c : answer.label.substr(0, end)) shown.truth.append(c == '\n' ? ", " : std::string(1, c));
  const auto object = Json::parse(answer.prediction, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("prediction")) {
    shown.answer = answer.prediction;
    return shown;
  }
  const Json& prediction = object["prediction"];
  shown.answer = text_of(prediction);
  const bool is_single = !answer.label.empty() && answer.label.find('\n') == std::string::npos;
  if (is_single && prediction.is_string() && !shown.answer.empty()) judge(answer.label, shown);
  return shown;
}

}  // namespace berth::plugin

#include "core/suite/config_value.h"

namespace berth::suite {

const ConfigValue* ConfigTable::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::string_view type_name(const ConfigValue& value) {
  static constexpr std::string_view kNames[] = {"a boolean", "an integer", "a real number",
                                                "a string",  "an array",   "a table"};
  return kNames[value.value.index()];
}

}  // namespace berth::suite

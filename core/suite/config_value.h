// A value of a suite with the place it came from: what is left of TOML once it is parsed, so that nothing else in berth
// knows toml++.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "berth/error.h"

namespace berth::suite {

struct ConfigValue;
struct ConfigEntry;

// Keys in the order of the file.
struct ConfigTable {
  std::vector<ConfigEntry> entries;
  Where where;

  const ConfigValue* find(std::string_view key) const;
};

struct ConfigArray {
  std::vector<ConfigValue> values;
};

struct ConfigValue {
  std::variant<bool, std::int64_t, double, std::string, ConfigArray, ConfigTable> value;
  Where where;
};

struct ConfigEntry {
  std::string key;
  ConfigValue value;
  Where where = {};  // of the key
};

// "a boolean", "an integer", ... for messages.
std::string_view type_name(const ConfigValue& value);

}  // namespace berth::suite

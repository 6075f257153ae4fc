// Values to TOML text that reads back as the same values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/suite/config_value.h"

namespace berth::suite {

std::string to_toml(bool value);
std::string to_toml(std::int64_t value);
std::string to_toml(double value);              // the fewest digits that give the same number
std::string to_toml(std::string_view value);    // must be UTF-8
std::string to_toml(const ConfigValue& value);  // tables inline, on one line
inline std::string to_toml(const std::string& value) { return to_toml(std::string_view(value)); }
inline std::string to_toml(const char* value) { return to_toml(std::string_view(value)); }

// A key, in quotes where it needs them.
std::string toml_key(std::string_view key);

bool is_utf8(std::string_view text);

}  // namespace berth::suite

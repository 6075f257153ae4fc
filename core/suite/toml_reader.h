// TOML text to ConfigTable. The one place that knows toml++.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/suite/config_value.h"

namespace berth::suite {

// Keys keep the order of the file. Throws Error kConfig with line and column: bounds (toml_bounds.h), syntax, dates.
ConfigTable parse_toml(std::string_view text, const std::string& file);

// The value as TOML, or nothing where it is none. file: named in errors.
std::optional<ConfigValue> try_parse_value(std::string_view text, const std::string& file);

// Puts one "--set key.path=value" over the table, making tables on the way where there are none. Everything that it
// sets has the Where {"--set key.path=value", 0, 0}. Throws Error kConfig.
void apply_set(ConfigTable& root, const std::string& set);

}  // namespace berth::suite

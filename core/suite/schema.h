// The JSON Schema (draft 2020-12) of suites, for editors: made from the same declarations that suites are read by.
// Called by `berth schema`; `berth plugins --json` shows a plugin's options so, too.
//
// It judges key by key. What keys say together, whether files are there, and what [sweep.over] may name is for `berth
// check`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/suite/option_binder.h"

namespace berth::suite {

// A plugin that was found, with what it declares.
struct PluginSchema {
  std::string id;
  std::string summary;
  Json options;  // options_schema() of [tasks.NAME.options]
  Json data;     // likewise, of the `data` tables
};

// A table with these options and no others. To be asked before fill(), while the variables hold their defaults.
Json options_schema(const OptionBinder& options);

// `options` and `data` of tasks with other plugins may hold anything. reference: configs/reference.md, for
// descriptions.
Json suite_schema(const std::vector<PluginSchema>& plugins, std::string_view reference);

}  // namespace berth::suite

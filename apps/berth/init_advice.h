// Which task a data file is meant for: asks all plugins that have the ability Advisor. Called by `berth init`.
#pragma once

#include <string>
#include <vector>

#include "apps/berth/command_line.h"
#include "berth/advisor.h"
#include "core/suite/new_suite.h"

namespace berth::app {

// A plugin's options, as far as a new suite is concerned.
struct DeclaredOption {
  std::string name;
  std::string help;
  bool is_text = false;     // a string that may be anything: most such options name a column
  bool holds_text = false;  // a string, be it one of some choices
};

struct Advice {
  std::string plugin;
  std::vector<DeclaredOption> data;
  std::vector<DeclaredOption> options;
  bool has_advisor = false;
  Suggestion suggestion;  // its best; fit 0 where it does not fit
};

// What the user has chosen, as typed: {"text=review", ...}.
struct Chosen {
  Arguments data;
  Arguments options;
};

// The advice of one plugin. Throws Error kConfig for a key that it does not have, and what Registry::create() throws.
Advice ask_plugin(const plugin::Registry& registry, const std::string& id, const DataSample& sample,
                  const Chosen& chosen);

// Of all plugins that give some, best first. One that can't be loaded is warned of and left out; so is one that lacks
// what the user has chosen.
std::vector<Advice> ask_plugins(const plugin::Registry& registry, const DataSample& sample, const Chosen& chosen);

// The keys of a new suite: the suggestion's, and what the user has chosen over it.
std::vector<suite::NewKey> data_keys(const Advice& advice, const Chosen& chosen);
std::vector<suite::NewKey> option_keys(const Advice& advice, const Chosen& chosen);

}  // namespace berth::app

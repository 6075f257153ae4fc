#include "apps/berth/init_advice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "apps/berth/declared_options.h"
#include "core/plugin/guard.h"
#include "core/suite/option_binder.h"
#include "core/suite/toml_reader.h"
#include "core/suite/toml_writer.h"

namespace berth::app {
namespace {

using Keys = std::vector<std::pair<std::string, std::string>>;  // with values as TOML

std::vector<DeclaredOption> names_and_help(const suite::OptionBinder& binder) {
  std::vector<DeclaredOption> options;
  options.reserve(binder.fields().size());
  for (const auto& field : binder.fields()) {
    const auto is_string = std::holds_alternative<std::string*>(field.target);
    options.push_back({field.name, field.help, is_string && field.choices.empty(), is_string});
  }
  return options;
}

// "stars" and "\"stars\"" are the same for an option that is a string, and so is "1" for a column of that name.
std::string toml_of(const std::string& text, const DeclaredOption& option) {
  const auto value = suite::try_parse_value(text, "a value");
  const auto is_string = value && std::holds_alternative<std::string>(value->value);
  if (value && (is_string || !option.holds_text)) return suite::to_toml(*value);
  return suite::to_toml(text);
}

const DeclaredOption& find_option(const std::vector<DeclaredOption>& options, const std::string& key,
                                  const std::string& where) {
  std::vector<std::string> names;
  for (const auto& option : options) {
    if (option.name == key) return option;
    names.push_back(option.name);
  }
  const auto nearest = suite::nearest_name(key, names);
  throw Error(ErrorKind::kConfig, fmt::format("{}: there is no option '{}'{}; there are: {}", where, key,
                                              nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                                              fmt::join(names, ", ")));
}

// where: "--data (plugin classification)".
Keys parse_chosen(const Arguments& chosen, const std::vector<DeclaredOption>& options, const std::string& where) {
  Keys keys;
  keys.reserve(chosen.size());
  for (const auto& one : chosen) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::kConfig, fmt::format("{}: '{}' has no '='; write KEY=VALUE", where, one));
    }
    const auto key = one.substr(0, equals);
    keys.emplace_back(key, toml_of(one.substr(equals + 1), find_option(options, key, where)));
  }
  return keys;
}

// A suggestion's values come from a plugin: what is no TOML would spoil the suite.
void check_values(const Advice& advice) {
  for (const auto* keys : {&advice.suggestion.data, &advice.suggestion.options}) {
    for (const auto& [key, value] : *keys) {
      if (suite::try_parse_value(value, "a value")) continue;
      throw Error(ErrorKind::kPlugin,
                  fmt::format("plugin {}, suggest: the value of '{}' is no TOML: {}", advice.plugin, key, value));
    }
  }
}

std::vector<suite::NewKey> keys_of(const Keys& suggested, const Keys& chosen,
                                   const std::vector<DeclaredOption>& options) {
  Keys keys = suggested;
  for (const auto& one : chosen) {
    const auto same = [&](const auto& key) { return key.first == one.first; };
    const auto at = std::find_if(keys.begin(), keys.end(), same);
    if (at == keys.end()) {
      keys.push_back(one);
    } else {
      at->second = one.second;
    }
  }
  std::vector<suite::NewKey> result;
  result.reserve(keys.size());
  for (const auto& key : keys) {
    const auto at =
        std::find_if(options.begin(), options.end(), [&](const auto& one) { return one.name == key.first; });
    result.push_back({key.first, suite::to_toml(*suite::try_parse_value(key.second, "a value")),
                      at == options.end() ? std::string() : at->help});
  }
  return result;
}

}  // namespace

Advice ask_plugin(const plugin::Registry& registry, const std::string& id, const DataSample& sample,
                  const Chosen& chosen) {
  Advice advice;
  advice.plugin = id;
  const auto owner = fmt::format("plugin {}", id);
  const DeclaredOptions declared(registry, id, {"--task"});
  advice.data = names_and_help(declared.data());
  advice.options = names_and_help(declared.options());
  DataSample asked = sample;
  for (auto& [key, value] : parse_chosen(chosen.data, advice.data, fmt::format("--data ({})", owner))) {
    asked.chosen[key] = value;
  }
  parse_chosen(chosen.options, advice.options, fmt::format("--options ({})", owner));
  const auto task = registry.create(id, {"--task"});
  const auto* advisor = dynamic_cast<const Advisor*>(task.get());
  advice.has_advisor = advisor != nullptr;
  if (advisor == nullptr) return advice;
  auto suggestions = plugin::guarded({owner, "suggest", registry.file_of(id)}, [&] { return advisor->suggest(asked); });
  if (!suggestions.empty()) advice.suggestion = std::move(suggestions.front());
  check_values(advice);
  return advice;
}

std::vector<Advice> ask_plugins(const plugin::Registry& registry, const DataSample& sample, const Chosen& chosen) {
  std::vector<Advice> all;
  std::optional<Error> refused;
  for (const auto& plugin : registry.plugins()) {
    try {
      auto advice = ask_plugin(registry, plugin.id, sample, chosen);
      if (advice.has_advisor) all.push_back(std::move(advice));
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kConfig) {
        if (!refused) refused = error;  // this one has no such option
      } else {
        plugin::warn_on_stderr(fmt::format("{}; it is not asked", error.what()));
      }
    }
  }
  if (all.empty() && refused) throw Error(*refused);
  std::stable_sort(all.begin(), all.end(),
                   [](const Advice& a, const Advice& b) { return a.suggestion.fit > b.suggestion.fit; });
  return all;
}

std::vector<suite::NewKey> data_keys(const Advice& advice, const Chosen& chosen) {
  return keys_of(advice.suggestion.data, parse_chosen(chosen.data, advice.data, "--data"), advice.data);
}

std::vector<suite::NewKey> option_keys(const Advice& advice, const Chosen& chosen) {
  return keys_of(advice.suggestion.options, parse_chosen(chosen.options, advice.options, "--options"), advice.options);
}

}  // namespace berth::app

#include "core/suite/sweep_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

constexpr const char* kVariant = "variant";
constexpr const char* kOverSchema = "#/properties/sweep/properties/over";  // where [sweep.over] is in a suite's schema

[[noreturn]] void refuse(const Where& where, const std::string& text) { throw Error(ErrorKind::kConfig, where, text); }

double number_in(const ConfigValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value.value)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value.value)) return *real;
  return std::numeric_limits<double>::quiet_NaN();
}

// As a table shows it: a string without its quotes.
std::string plain_text(const ConfigValue& value) {
  const auto* text = std::get_if<std::string>(&value.value);
  return text != nullptr ? *text : to_toml(value);
}

SweepChoice choice(const std::string& key, const ConfigValue& value) {
  return {plain_text(value), number_in(value), {key + "=" + to_toml(value)}};
}

void check_key(const std::string& key, const Where& where) {
  const auto refuse_key = [&](const char* why) { refuse(where, fmt::format("[sweep.over]: '{}' {}", key, why)); };
  if (key == "training.seed") refuse_key("can't be a setting here; write seeds = [1, 2, 3] in [sweep]");
  if (key == "training.threads") refuse_key("changes no result; give --jobs, which shares the threads out");
  if (key == "name" || key == "sweep" || key.rfind("sweep.", 0) == 0) refuse_key("is nothing to learn with");
}

void declare(Section& s, SweepRange& c, Where& to_where) {
  s.key("from", c.from).required("write { from = LOW, to = HIGH }");
  s.key("to", c.to).required("write { from = LOW, to = HIGH }").at(to_where);
  s.choice("scale", c.scale, {{"linear", SweepScale::kLinear}, {"log", SweepScale::kLog}});
  s.key("count", c.count).at_least(2);
}

SweepRange read_range(const std::string& key, const ConfigTable& table) {
  SweepRange range;
  Section section("sweep.over." + toml_key(key), {});
  Where to_where;
  declare(section, range, to_where);
  section.fill(table);
  if (!(range.from < range.to)) refuse(to_where, section.owner() + ": 'to' must be above 'from'");
  if (range.scale == SweepScale::kLog && !(range.from > 0)) {
    refuse(table.where, section.owner() + ": scale = \"log\" needs 'from' above 0");
  }
  range.is_integer = std::holds_alternative<std::int64_t>(table.find("from")->value) &&
                     std::holds_alternative<std::int64_t>(table.find("to")->value);
  return range;
}

// "optimizer.rate" = ..., or optimizer.rate = ..., which TOML reads as a table in a table.
void read_over(const std::string& prefix, const ConfigTable& table, std::vector<SweepSetting>& settings) {
  for (const auto& entry : table.entries) {
    // A quoted key is a whole path already: --set reads it by itself.
    const auto key = prefix.empty() ? entry.key : prefix + "." + toml_key(entry.key);
    SweepSetting setting{key, {}, std::nullopt, entry.where};
    if (const auto* values = std::get_if<ConfigArray>(&entry.value.value)) {
      for (const auto& value : values->values) setting.choices.push_back(choice(key, value));
      if (setting.choices.empty())
        refuse(entry.value.where, fmt::format("[sweep.over]: '{}' has no value to try", key));
    } else if (const auto* inner = std::get_if<ConfigTable>(&entry.value.value)) {
      if (inner->find("from") == nullptr && inner->find("to") == nullptr) {
        read_over(key, *inner, settings);
        continue;
      }
      setting.range = read_range(key, *inner);
    } else {
      refuse(entry.value.where,
             fmt::format("[sweep.over]: '{}' must be a list of values or {{ from = LOW, to = HIGH }}, but is {}", key,
                         type_name(entry.value)));
    }
    check_key(key, entry.where);
    settings.push_back(std::move(setting));
  }
}

// Lists, ranges, and tables of them, as read_over() tells them apart.
Json over_schema() {
  SweepRange range;
  Where to_where;
  Section section("sweep.over", {});
  declare(section, range, to_where);
  const Json is_range = {{"anyOf", {{{"required", {"from"}}}, {{"required", {"to"}}}}}};
  const Json is_table = {{"if", is_range}, {"then", section.schema()}, {"else", {{"$ref", kOverSchema}}}};
  const Json is_list = {{"if", {{"type", "array"}}}, {"then", {{"minItems", 1}}}, {"else", is_table}};
  return {{"type", "object"}, {"additionalProperties", is_list}};
}

// The keys of a variant; a table within is a section, of which the other keys stay.
void read_changes(const std::string& prefix, const ConfigTable& table, std::vector<std::string>& sets) {
  for (const auto& entry : table.entries) {
    const auto key = prefix.empty() ? entry.key : prefix + "." + toml_key(entry.key);
    check_key(key, entry.where);
    if (const auto* inner = std::get_if<ConfigTable>(&entry.value.value)) {
      read_changes(key, *inner, sets);
    } else {
      sets.push_back(key + "=" + to_toml(entry.value));
    }
  }
}

// [sweep.variants]: each a table of keys that are changed together.
void read_variants(const ConfigTable& table, std::vector<SweepSetting>& settings) {
  SweepSetting setting{kVariant, {}, std::nullopt, table.where};
  for (const auto& entry : table.entries) {
    SweepChoice variant;
    variant.text = entry.key;
    read_changes("", expect_table(entry.value, "[sweep.variants." + toml_key(entry.key) + "]"), variant.sets);
    setting.choices.push_back(std::move(variant));
  }
  if (!setting.choices.empty()) settings.push_back(std::move(setting));
}

Field seed_field(std::int64_t& seed) { return Field{"seeds", &seed}.at_least(0); }

Json seeds_schema() {
  std::int64_t seed = 0;
  auto one = schema_of(seed_field(seed));
  one.erase("default");
  return {{"type", "array"}, {"items", std::move(one)}, {"uniqueItems", true}};
}

void read_seeds(const ConfigValue& value, std::vector<std::int64_t>& seeds, const std::string& owner) {
  const auto* list = std::get_if<ConfigArray>(&value.value);
  if (list == nullptr) {
    refuse(value.where, fmt::format("{}: 'seeds' must be a list of integers, but is {}", owner, type_name(value)));
  }
  seeds.clear();
  for (const auto& element : list->values) {
    std::int64_t seed = 0;
    read_field(seed_field(seed), element, owner);
    if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end()) {
      refuse(element.where, fmt::format("{}: 'seeds' has {} twice, which would repeat the same runs", owner, seed));
    }
    seeds.push_back(seed);
  }
}

void declare(Section& s, SweepConfig& c) {
  s.choice("search", c.search, {{"grid", Search::kGrid}, {"random", Search::kRandom}, {"halving", Search::kHalving}});
  s.key("trials", c.trials).at_least(1);
  s.custom("seeds", {[&c, owner = s.owner()](const ConfigValue& v) { read_seeds(v, c.seeds, owner); },
                     [] { return std::nullopt; }, seeds_schema});
  s.key("seed", c.seed).at_least(0);
  s.key("score", c.score).at(c.score_where);
  s.key("reduction", c.reduction).at_least(2);
  s.key("rungs", c.rungs).at_least(1);
  s.choice("keep_checkpoints", c.keep_checkpoints, {{"best", KeepCheckpoints::kBest}, {"all", KeepCheckpoints::kAll}});
  const auto write = [] { return std::nullopt; };
  s.tables("over", {[&c](const ConfigValue& v) { read_over("", expect_table(v, "[sweep.over]"), c.settings); }, write,
                    over_schema});
  s.tables("variants",
           {[&c](const ConfigValue& v) { read_variants(expect_table(v, "[sweep.variants]"), c.settings); }, write,
            [] {
              return Json{{"type", "object"}, {"additionalProperties", free_table_schema()}};
            }});
}

void check_settings(const SweepConfig& c) {
  for (std::size_t i = 0; i < c.settings.size(); ++i) {
    const auto& setting = c.settings[i];
    for (std::size_t j = 0; j < i; ++j) {
      if (c.settings[j].name == setting.name) {
        refuse(setting.where, fmt::format("[sweep]: '{}' is there twice; write it once", setting.name));
      }
    }
    if (c.search == Search::kGrid && setting.range && setting.range->count == 0) {
      refuse(setting.where,
             fmt::format("[sweep.over]: a grid can't have all of a range; give '{}' a list or a 'count', or write "
                         "search = \"random\"",
                         setting.name));
    }
  }
  if (c.settings.empty() && c.seeds.empty()) {
    refuse(c.where,
           "[sweep]: there is nothing to try; add [sweep.over] with a key and its values, [sweep.variants], or "
           "seeds = [1, 2, 3]");
  }
}

}  // namespace

Json sweep_schema() {
  SweepConfig config;
  Section section("sweep", {});
  declare(section, config);
  return section.schema();
}

SweepConfig read_sweep_section(const ConfigValue& value, const Section& section) {
  SweepConfig config;
  config.where = value.where;
  auto declared = section;
  declare(declared, config);
  declared.fill(value);
  // "variant" is the last column of tables, wherever it is written.
  std::stable_partition(config.settings.begin(), config.settings.end(),
                        [](const SweepSetting& setting) { return setting.name != kVariant; });
  check_settings(config);
  return config;
}

SweepChoice choice_of(const SweepSetting& setting, double number) {
  if (setting.range->is_integer) {
    return choice(setting.name, {static_cast<std::int64_t>(std::llround(number)), setting.where});
  }
  // Four digits: what comes out of a draw can be written down and tried again.
  return choice(setting.name, {std::stod(fmt::format("{:.4g}", number)), setting.where});
}

}  // namespace berth::suite

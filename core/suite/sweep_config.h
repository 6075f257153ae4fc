// [sweep]: which settings `berth sweep` tries, and how it searches. No part of Suite: a run has one value of each
// setting. The other commands check the section and go on without it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/suite/section.h"

namespace berth::suite {

enum class Search : std::uint8_t {
  kGrid,     // every combination
  kRandom,   // `trials` combinations, drawn
  kHalving,  // likewise, with little training first and more for the better ones
};

// One value of a setting.
struct SweepChoice {
  std::string text;                                          // as tables show it
  double number = std::numeric_limits<double>::quiet_NaN();  // NaN where it is none
  std::vector<std::string> sets;                             // "key=value" each, as --set takes them
};

enum class SweepScale : std::uint8_t { kLinear, kLog };

// Values between two ends: drawn, or `count` of them at equal distances.
struct SweepRange {
  double from = 0;
  double to = 0;
  SweepScale scale = SweepScale::kLinear;
  std::int64_t count = 0;   // 0: not given
  bool is_integer = false;  // both ends are written so
};

struct SweepSetting {
  std::string name;                  // the key, or "variant"
  std::vector<SweepChoice> choices;  // empty where it is a range
  std::optional<SweepRange> range;
  Where where;
};

enum class KeepCheckpoints : std::uint8_t { kBest, kAll };

struct SweepConfig {
  Search search = Search::kGrid;
  std::int64_t trials = 20;         // of a random search and of halving
  std::vector<std::int64_t> seeds;  // each combination is trained with each; empty: training.seed alone
  std::int64_t seed = 42;           // of the draw
  std::string score = "mean";       // of the tasks' primary scores on dev, or a task's name
  std::int64_t reduction = 3;       // halving: one of so many goes on, with so many times the training
  std::int64_t rungs = 3;           // halving: the last one has all of the suite's training
  KeepCheckpoints keep_checkpoints = KeepCheckpoints::kBest;
  std::vector<SweepSetting> settings;  // in the order of the file; "variant" last
  Where where;
  Where score_where;
};

// Throws Error kConfig for what is wrong with the section by itself.
SweepConfig read_sweep_section(const ConfigValue& value, const Section& section);

// Of the section, as JSON Schema. What keys [sweep.over] and [sweep.variants] may name is beyond it.
Json sweep_schema();

// The suite's [sweep], with the settings' keys and values checked: see read_suite(). Throws Error kConfig where it has
// none, too.
SweepConfig read_sweep(const std::filesystem::path& file, const std::vector<std::string>& sets);

// What makes the setting have the value: the choice for a number of its range.
SweepChoice choice_of(const SweepSetting& setting, double number);

}  // namespace berth::suite

// All that is found out about one task's data, and how it is told: a few lines for the console, and everything as JSON.
// Called by `berth check`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/diagnosis/duplicates.h"
#include "core/diagnosis/floor.h"
#include "core/diagnosis/shift.h"

namespace berth::diagnosis {

// How a set differs from train.
struct SetShift {
  LengthShift lengths;
  std::optional<LabelShift> labels;  // nothing where train and the set have no labels to tell apart
};

struct Diagnosis {
  Duplicates duplicates;
  std::vector<SetShift> shifts;            // of each set but train
  std::variant<Floor, std::string> floor;  // or why there is none
};

// sets: train first; none is empty.
Diagnosis diagnose(const std::vector<SampleSet>& sets);

std::vector<std::string> describe(const Diagnosis& diagnosis, const std::vector<SampleSet>& sets);

// {"duplicates": [...], "shift": {...}, "floor": {...}, "label_issues": [...]}; every finding with file and line.
nlohmann::ordered_json to_json(const Diagnosis& diagnosis, const std::vector<SampleSet>& sets);

}  // namespace berth::diagnosis

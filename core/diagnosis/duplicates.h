// Examples that the model can't tell apart: within a set they weigh double, across sets they make a score that was
// learned by heart (leakage), and with different labels one of them is wrong, or the text alone doesn't decide.
#pragma once

#include <vector>

#include "core/diagnosis/samples.h"

namespace berth::diagnosis {

struct Duplicate {
  Place first;   // the earliest equal one: of the earliest set that has one, and there of the earliest line
  Place second;  // the one that repeats it; each example is `second` at most once in its own set, and once across
  bool labels_differ = false;
};

struct Duplicates {
  std::vector<Duplicate> within;  // of one set
  std::vector<Duplicate> across;  // `first` is in an earlier set
};

Duplicates find_duplicates(const std::vector<SampleSet>& sets);

}  // namespace berth::diagnosis

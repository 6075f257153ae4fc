#include "core/diagnosis/diagnosis.h"

#include <utility>

namespace berth::diagnosis {
namespace {

std::vector<std::int64_t> lengths_of(const SampleSet& set) {
  std::vector<std::int64_t> lengths;
  for (const auto& sample : set.samples) lengths.insert(lengths.end(), sample.lengths.begin(), sample.lengths.end());
  return lengths;
}

}  // namespace

Diagnosis diagnose(const std::vector<SampleSet>& sets) {
  Diagnosis result;
  result.duplicates = find_duplicates(sets);
  for (std::size_t s = 1; s < sets.size(); ++s) {
    SetShift shift;
    shift.lengths = compare_lengths(lengths_of(sets.front()), lengths_of(sets[s]));
    auto labels = compare_labels(sets.front(), sets[s]);
    if (labels.shares.size() > 1) shift.labels = std::move(labels);
    result.shifts.push_back(std::move(shift));
  }
  result.floor = find_floor(sets);
  return result;
}

}  // namespace berth::diagnosis

// What the diagnosis of data reads of each example: what the model would see, what is true of it, and where it stands.
// `berth check` fills it while it reads a set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "berth/batch.h"
#include "berth/error.h"

namespace berth::diagnosis {

struct Sample {
  std::vector<std::int32_t> seen;     // each token's id and segment; equal where the model sees the same
  std::vector<std::int32_t> words;    // ids of the tokens without special ones, sorted
  std::vector<std::int64_t> lengths;  // tokens, of each feature
  std::string label;                  // Task::label(): "" where there is none
  Where where;
};

struct SampleSet {
  std::string name;  // "train" first, then dev and further sets
  std::vector<Sample> samples;
};

// features: of the whole example, not truncated.
Sample make_sample(const std::vector<Feature>& features, std::string label, const Where& where);

// One of a task's sets and an example in it, by their places in vectors.
struct Place {
  std::size_t set = 0;
  std::size_t sample = 0;
};

}  // namespace berth::diagnosis

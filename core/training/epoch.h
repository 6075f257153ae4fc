// The order of an epoch: which task each step trains, on which examples.
#pragma once

#include <cstdint>
#include <vector>

namespace berth::training {

struct StepPlan {
  std::size_t task = 0;
  std::vector<std::vector<std::int64_t>> micro_batches;  // indices of the task's features
};

struct EpochOptions {
  std::int64_t batch_size = 32;
  std::int64_t accumulate = 1;
  bool shuffle = true;
  std::uint64_t seed = 42;
};

// sizes: features of each task. Every feature comes up once; the last micro-batch and step of a task may be short. The
// tasks' steps are drawn in proportion to their number (without shuffle: one task after the other).
std::vector<StepPlan> make_epoch(const std::vector<std::int64_t>& sizes, const EpochOptions& options,
                                 std::int64_t epoch);

}  // namespace berth::training

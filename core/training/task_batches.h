// The batches of one task, epoch after epoch, cut into optimizer steps. A task's order depends on the seed, its name
// and its size alone: other tasks of the suite don't change it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace berth::training {

// Indices of a task's features.
using MicroBatch = std::vector<std::int64_t>;

struct BatchOptions {
  std::int64_t batch_size = 32;  // features a micro-batch
  std::int64_t accumulate = 1;   // micro-batches a step
  bool shuffle = true;
  std::uint64_t seed = 42;
  // The group of each feature, 0, 1, ...: an epoch then has as many of each group, so that a small one's come several
  // times and some of a large one's not at all. Empty: an epoch has every feature once.
  std::vector<std::int64_t> groups = {};
};

class TaskBatches {
 public:
  // size: features of the task, at least 1.
  TaskBatches(const std::string& task, std::int64_t size, const BatchOptions& options);

  // An epoch has as many features as the task; its last micro-batch and its last step may be short.
  std::int64_t steps_per_epoch() const { return steps_per_epoch_; }

  // The micro-batches of the task's step number `step`, counted from 0 over all epochs.
  std::vector<MicroBatch> at(std::int64_t step);

 private:
  void shuffle(std::int64_t epoch);
  void balance(std::int64_t epoch);

  BatchOptions options_;
  std::uint64_t key_;
  std::int64_t size_;
  std::int64_t steps_per_epoch_;
  std::int64_t epoch_ = -1;  // that order_ is of
  std::vector<std::int64_t> order_;
  std::vector<std::vector<std::int64_t>> members_;  // of each group
};

}  // namespace berth::training

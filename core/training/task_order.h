// Which task each step of a run trains: the suite's [mixing] played out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/suite/suite.h"

namespace berth::training {

struct MixedTask {
  std::string name;
  std::int64_t size = 0;             // features; 0 where nobody knows, which uniform, round robin and phases need not
  std::int64_t steps_per_epoch = 0;  // of the task alone; likewise
};

// Steps in which every example of every task comes up once (with StepKind::kAllTasks: of the largest task, while the
// others begin anew). 0 where nobody knows.
std::int64_t steps_per_epoch(const suite::MixingConfig& config, const std::vector<MixedTask>& tasks);

struct OrderOptions {
  std::int64_t total_steps = 0;
  bool shuffle = true;
  std::uint64_t seed = 42;
};

// The index of the task that each of the steps trains. Proportional: exactly in proportion in each epoch, in random
// order (without shuffle: one task after another). Uniform, temperature and phases: drawn for each step by itself.
std::vector<std::size_t> task_order(const suite::MixingConfig& config, const std::vector<MixedTask>& tasks,
                                    const OrderOptions& options);

}  // namespace berth::training

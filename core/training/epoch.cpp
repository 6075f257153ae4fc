#include "core/training/epoch.h"

#include <algorithm>
#include <numeric>

#include "core/training/random.h"

namespace berth::training {

std::vector<StepPlan> make_epoch(const std::vector<std::int64_t>& sizes, const EpochOptions& options,
                                 std::int64_t epoch) {
  const auto key = static_cast<std::uint64_t>(epoch);
  std::vector<StepPlan> steps;
  for (std::size_t task = 0; task < sizes.size(); ++task) {
    std::vector<std::int64_t> order(sizes[task]);
    std::iota(order.begin(), order.end(), 0);
    if (options.shuffle) Random(mix({options.seed, hash_name("examples"), task, key})).shuffle(order);
    for (std::int64_t from = 0; from < sizes[task];) {
      StepPlan step{task, {}};
      for (std::int64_t i = 0; i < options.accumulate && from < sizes[task]; ++i) {
        const auto to = std::min(from + options.batch_size, sizes[task]);
        step.micro_batches.emplace_back(order.begin() + from, order.begin() + to);
        from = to;
      }
      steps.push_back(std::move(step));
    }
  }
  if (options.shuffle && sizes.size() > 1) Random(mix({options.seed, hash_name("tasks"), key})).shuffle(steps);
  return steps;
}

}  // namespace berth::training

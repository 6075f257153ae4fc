#include "core/training/task_batches.h"

#include <algorithm>
#include <numeric>

#include "core/training/random.h"

namespace berth::training {

TaskBatches::TaskBatches(const std::string& task, std::int64_t size, const BatchOptions& options)
    : options_(options), key_(hash_name(task)), size_(size), order_(static_cast<std::size_t>(size)) {
  const auto step_size = options.batch_size * options.accumulate;
  steps_per_epoch_ = (size + step_size - 1) / step_size;
}

void TaskBatches::shuffle(std::int64_t epoch) {
  if (epoch == epoch_) return;
  std::iota(order_.begin(), order_.end(), 0);
  if (options_.shuffle) {
    Random(mix({options_.seed, hash_name("examples"), key_, static_cast<std::uint64_t>(epoch)})).shuffle(order_);
  }
  epoch_ = epoch;
}

std::vector<MicroBatch> TaskBatches::at(std::int64_t step) {
  shuffle(step / steps_per_epoch_);
  const auto step_size = options_.batch_size * options_.accumulate;
  const auto begin = step % steps_per_epoch_ * step_size;
  const auto end = std::min(begin + step_size, size_);
  std::vector<MicroBatch> batches;
  for (auto from = begin; from < end; from += options_.batch_size) {
    batches.emplace_back(order_.begin() + from, order_.begin() + std::min(from + options_.batch_size, end));
  }
  return batches;
}

}  // namespace berth::training

#include "core/training/task_batches.h"

#include <algorithm>
#include <numeric>

#include "core/training/random.h"

namespace berth::training {

TaskBatches::TaskBatches(const std::string& task, std::int64_t size, const BatchOptions& options)
    : options_(options), key_(hash_name(task)), size_(size), order_(static_cast<std::size_t>(size)) {
  const auto step_size = options.batch_size * options.accumulate;
  steps_per_epoch_ = (size + step_size - 1) / step_size;
  for (std::size_t i = 0; i < options.groups.size(); ++i) {
    const auto group = static_cast<std::size_t>(options.groups[i]);
    if (group >= members_.size()) members_.resize(group + 1);
    members_[group].push_back(static_cast<std::int64_t>(i));
  }
}

void TaskBatches::shuffle(std::int64_t epoch) {
  if (epoch == epoch_) return;
  if (!members_.empty()) {
    balance(epoch);
    epoch_ = epoch;
    return;
  }
  std::iota(order_.begin(), order_.end(), 0);
  if (options_.shuffle) {
    Random(mix({options_.seed, hash_name("examples"), key_, static_cast<std::uint64_t>(epoch)})).shuffle(order_);
  }
  epoch_ = epoch;
}

// Each group's share is filled by shuffles of the group, one after another: none of its features comes twice before all
// came once. What is left over goes to groups drawn anew each epoch.
void TaskBatches::balance(std::int64_t epoch) {
  Random random(mix({options_.seed, hash_name("balanced examples"), key_, static_cast<std::uint64_t>(epoch)}));
  auto groups = members_;
  random.shuffle(groups);
  order_.clear();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    auto& members = groups[g];
    const auto share = size_ / std::ssize(groups) + (static_cast<std::int64_t>(g) < size_ % std::ssize(groups) ? 1 : 0);
    for (std::int64_t i = 0; i < share; ++i) {
      const auto place = static_cast<std::size_t>(i % std::ssize(members));
      if (place == 0) random.shuffle(members);
      order_.push_back(members[place]);
    }
  }
  random.shuffle(order_);
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

#include "core/training/hidden_caches.h"

#include <algorithm>
#include <chrono>

namespace berth::training {
namespace {

// Features that are encoded together, of a training set.
constexpr std::int64_t kTrainingPack = 64;

}  // namespace

HiddenCaches::HiddenCaches(const Session& session, TrainingEvents& events, std::function<bool()> wants_stop)
    : session_(session),
      events_(events),
      wants_stop_(std::move(wants_stop)),
      is_decided_(session.tasks.size(), 0),
      train_(session.tasks.size()),
      dev_(session.tasks.size()),
      bytes_left_(session.suite.training.cache_megabytes << 20) {}

void HiddenCaches::keep_train(std::size_t task, double passes) {
  if (is_decided_[task] != 0) return;
  const auto stages = session_.encoder.fixed_stages(true);
  const auto& set = *session_.tasks[task].train;
  if (passes > 1 && has_room(set.store, stages)) compute(task, set, true);
  is_decided_[task] = 1;
}

void HiddenCaches::keep_dev(std::size_t task) {
  const auto stages = session_.encoder.fixed_stages(false);
  const auto* set = session_.tasks[task].dev();
  if (set != nullptr && !dev_[task] && has_room(set->store, stages)) compute(task, *set, false);
}

// What learns later on isn't fixed.
bool HiddenCaches::has_room(const data::FeatureStore& store, std::int64_t stages) const {
  return stages > 1 && session_.suite.finetuning.gradual_unfreezing == 0 &&
         data::HiddenCache::bytes_needed(store, session_.encoder) <= bytes_left_;
}

void HiddenCaches::compute(std::size_t task, const data::TaskData& set, bool is_train) {
  const auto start = std::chrono::steady_clock::now();
  const auto stages = session_.encoder.fixed_stages(is_train);
  auto& cache = (is_train ? train_ : dev_)[task];
  cache.emplace(set.store, session_.encoder, stages, is_train ? kTrainingPack : session_.suite.evaluation.batch_size,
                [this] {
                  if (wants_stop_()) throw evaluation::Stopped{};
                });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const auto bytes = data::HiddenCache::bytes_needed(set.store, session_.encoder);
  bytes_left_ -= bytes;
  events_.cached({task, set.name, stages - 1, bytes, seconds.count()});
}

void HiddenCaches::save(TrainingState& state) const {
  const auto which = [](const std::vector<Cache>& caches) {
    std::vector<std::int64_t> is_kept(caches.size());
    std::transform(caches.begin(), caches.end(), is_kept.begin(), [](const Cache& cache) { return cache ? 1 : 0; });
    return is_kept;
  };
  state.put("caches/decided", is_decided_);
  state.put("caches/train", which(train_));
  state.put("caches/dev", which(dev_));
}

void HiddenCaches::load(const TrainingState& state) {
  const auto tasks = session_.tasks.size();
  is_decided_ = state.integers("caches/decided", tasks);
  const auto train = state.integers("caches/train", tasks);
  const auto dev = state.integers("caches/dev", tasks);
  for (std::size_t task = 0; task < tasks; ++task) {
    const auto* dev_set = session_.tasks[task].dev();
    if (train[task] != 0) compute(task, *session_.tasks[task].train, true);
    if (dev[task] != 0 && dev_set != nullptr) compute(task, *dev_set, false);
  }
}

}  // namespace berth::training

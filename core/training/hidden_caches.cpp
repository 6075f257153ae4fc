#include "core/training/hidden_caches.h"

#include <chrono>

namespace berth::training {
namespace {

// Features that are encoded together, of a training set.
constexpr std::int64_t kTrainingPack = 64;

}  // namespace

HiddenCaches::HiddenCaches(const Session& session, TrainingEvents& events)
    : session_(session),
      events_(events),
      is_decided_(session.tasks.size(), false),
      train_(session.tasks.size()),
      dev_(session.tasks.size()),
      bytes_left_(session.suite.training.cache_megabytes << 20) {}

void HiddenCaches::keep_train(std::size_t task, double passes) {
  if (is_decided_[task]) return;
  is_decided_[task] = true;
  const auto& set = *session_.tasks[task].train;
  const auto stages = session_.encoder.fixed_stages(true);
  if (passes > 1 && has_room(set.store, stages)) keep(task, set, stages, kTrainingPack, train_[task]);
}

void HiddenCaches::keep_dev(std::size_t task) {
  const auto& set = *session_.tasks[task].dev();
  const auto stages = session_.encoder.fixed_stages(false);
  if (dev_[task] || !has_room(set.store, stages)) return;
  keep(task, set, stages, session_.suite.evaluation.batch_size, dev_[task]);
}

// What learns later on isn't fixed.
bool HiddenCaches::has_room(const data::FeatureStore& store, std::int64_t stages) const {
  return stages > 1 && session_.suite.finetuning.gradual_unfreezing == 0 &&
         data::HiddenCache::bytes_needed(store, session_.encoder) <= bytes_left_;
}

void HiddenCaches::keep(std::size_t task, const data::TaskData& set, std::int64_t stages, std::int64_t pack_size,
                        Cache& cache) {
  const auto start = std::chrono::steady_clock::now();
  cache.emplace(set.store, session_.encoder, stages, pack_size, [this] {
    if (events_.wants_stop()) throw evaluation::Stopped{};
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const auto bytes = data::HiddenCache::bytes_needed(set.store, session_.encoder);
  bytes_left_ -= bytes;
  events_.cached({task, set.name, stages - 1, bytes, seconds.count()});
}

}  // namespace berth::training

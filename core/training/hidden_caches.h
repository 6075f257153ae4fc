// What the encoder's frozen stages make of the tasks' sets, kept while a run trains: computed once what would be
// computed in every epoch, as long as there is room (training.cache_megabytes).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/data/hidden_cache.h"
#include "core/training/session.h"
#include "core/training/training_events.h"
#include "core/training/training_state.h"

namespace berth::training {

class HiddenCaches {
 public:
  // Both outlive this. events: hears of each set that is kept. wants_stop: asked while one is computed.
  HiddenCaches(const Session& session, TrainingEvents& events, std::function<bool()> wants_stop);

  // A task's training set. passes: how often training goes over it; 0 where that isn't known, and nothing is kept.
  // Decided once; later calls do nothing.
  void keep_train(std::size_t task, double passes);

  // A task's dev set, in the batches of evaluations: they give the bits that they would give without. Tried at each
  // call until there is something to keep.
  void keep_dev(std::size_t task);

  // Which sets are kept: what is computed from them has other last bits than what is not. They are computed again.
  void save(TrainingState& state) const;
  void load(const TrainingState& state);

  // Null where nothing is kept.
  const data::HiddenCache* train(std::size_t task) const { return of(train_[task]); }
  const data::HiddenCache* dev(std::size_t task) const { return of(dev_[task]); }

 private:
  using Cache = std::optional<data::HiddenCache>;

  static const data::HiddenCache* of(const Cache& cache) { return cache ? &*cache : nullptr; }
  bool has_room(const data::FeatureStore& store, std::int64_t stages) const;
  void compute(std::size_t task, const data::TaskData& set, bool is_train);

  const Session& session_;
  TrainingEvents& events_;
  std::function<bool()> wants_stop_;
  std::vector<std::int64_t> is_decided_;  // 1: of this task's training set
  std::vector<Cache> train_;              // of each task
  std::vector<Cache> dev_;
  std::int64_t bytes_left_;
};

}  // namespace berth::training

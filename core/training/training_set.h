// What a Trainer draws a task's batches from: a set that is held in memory or mapped, or one that is streamed from its
// file.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/data/task_data.h"
#include "core/training/task_batches.h"
#include "core/training/training_state.h"

namespace berth::training {

struct Session;
struct TaskSession;

class TrainingSet {
 public:
  virtual ~TrainingSet() = default;

  // The micro-batches of the task's step number `step`, counted from 0 over all epochs.
  virtual std::vector<MicroBatch> at(std::int64_t step) = 0;

  // What has the features of these, until at() is asked for another step.
  virtual const data::TaskData& data() const = 0;

  virtual std::int64_t size() const = 0;             // features; 0: nobody knows
  virtual std::int64_t steps_per_epoch() const = 0;  // likewise

  // Another set, another number.
  virtual std::uint64_t fingerprint() const = 0;

  // What a run that goes on at this step has to know to find it.
  virtual void save(TrainingState& state, std::int64_t step) = 0;
  virtual void load(const TrainingState& state, std::int64_t step) = 0;
};

class HeldSet final : public TrainingSet {
 public:
  // data: outlives this.
  HeldSet(const std::string& task, const data::TaskData& data, const BatchOptions& options)
      : data_(data), batches_(task, data.store.size(), options) {}

  std::vector<MicroBatch> at(std::int64_t step) override { return batches_.at(step); }
  const data::TaskData& data() const override { return data_; }
  std::int64_t size() const override { return data_.store.size(); }
  std::int64_t steps_per_epoch() const override { return batches_.steps_per_epoch(); }
  std::uint64_t fingerprint() const override { return data_.store.fingerprint(); }
  void save(TrainingState& /*state*/, std::int64_t /*step*/) override {}
  void load(const TrainingState& /*state*/, std::int64_t /*step*/) override {}

 private:
  const data::TaskData& data_;
  TaskBatches batches_;
};

// As the suite asks for it. Both outlive the result.
std::unique_ptr<TrainingSet> make_training_set(const Session& session, const TaskSession& task);

}  // namespace berth::training

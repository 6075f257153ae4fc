// A training set larger than memory: an epoch is one reading of its file, in an order drawn on the way, and of its
// features there are only those of the present step. Features are made when their example is drawn; the windows of one
// example come in a row. As with a set in memory, an epoch has every feature once, and its last step may be short.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/shuffled_stream.h"
#include "core/training/training_set.h"

namespace berth::training {

class StreamedSet final : public TrainingSet {
 public:
  struct Options {
    std::int64_t batch_size = 32;  // as in BatchOptions
    std::int64_t accumulate = 1;
    std::int64_t buffer = 1;  // see data::ShuffledStream
    std::int64_t seed = 42;
  };

  // task: outlives this, and has a training set. start: the first examples of it.
  StreamedSet(const plugin::LoadedTask& task, const data::FeatureOptions& features, const data::TaskData& start,
              const Options& options);

  // The step that was asked for last, and those after it, at the cost of what they hold; others at that of all before
  // them. Throws what the task's reader and its features() throw.
  std::vector<MicroBatch> at(std::int64_t step) override;

  const data::TaskData& data() const override { return data_; }
  std::int64_t size() const override { return 0; }
  std::int64_t steps_per_epoch() const override { return 0; }

  // Of the files' sizes and ends, and of the features that their start gives: a change in the middle that keeps the
  // size is not noticed.
  std::uint64_t fingerprint() const override { return fingerprint_; }

  void save(TrainingState& state, std::int64_t step) override;
  // Examples before the step are read, but no features are made of them. Throws Error kContent where the set has fewer.
  void load(const TrainingState& state, std::int64_t step) override;

 private:
  // Where a step begins.
  struct Position {
    std::int64_t step = 0;
    std::int64_t epoch = 0;
    std::int64_t examples = 0;  // of the epoch, that are used up
    std::int64_t features = 0;  // of the next one, likewise
  };

  std::string state_name() const { return "stream/" + task_.name(); }
  void start_epoch(std::int64_t epoch);
  void go_to(const Position& position);
  void make_step();
  bool draw();
  std::vector<Feature> features_of(const data::ShuffledStream::Drawn& drawn) const;

  const plugin::LoadedTask& task_;
  data::FeatureOptions feature_options_;
  Options options_;
  std::uint64_t fingerprint_;
  data::ShuffledStream stream_;
  std::vector<Feature> drawn_;  // of the example that the stream is in; empty where it is between two
  Where drawn_where_;
  data::TaskData data_;       // of the step that begins at present_
  Position present_;          // its step is -1 where there is none
  Position next_;             // where the step after it begins
  bool is_in_place_ = false;  // the stream, at next_
};

}  // namespace berth::training

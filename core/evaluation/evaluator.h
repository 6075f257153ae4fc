// Runs a task's model over a set: predictions in the order of the file, and the metric over them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/data/hidden_cache.h"
#include "core/data/task_data.h"
#include "core/distributed/group.h"
#include "core/model/encoder.h"
#include "core/plugin/loaded_task.h"

namespace berth::evaluation {

struct EvaluationOptions {
  std::int64_t batch_size = 64;                // sequences
  std::uint64_t seed = 42;                     // for heads that sample
  std::function<bool()> wants_stop = nullptr;  // asked after each batch, if there is one
  // What the encoder's first stages make of the set, in packs of batch_size, if that is known.
  const data::HiddenCache* hidden = nullptr;
  // In place of the encoder, if there is one: what the head gets of the batch that begins with this feature of the set.
  std::function<model::EncoderOutput(const Batch& batch, std::int64_t first)> encode = nullptr;
  // evaluate(): the processes that share the set, if there are several. Each then sees a part of the examples; the
  // scores are those of all.
  distributed::Group* group = nullptr;
};

// Thrown where wants_stop() said so, of one of the processes. No error: nothing is wrong, and nothing is to be told.
struct Stopped {};

struct TaskModel {
  const plugin::LoadedTask& task;
  Head& head;
  const model::Encoder& encoder;
};

using PredictionSink = std::function<void(const Example&, const Prediction&)>;

// data: made with Keep::kExamples. The head is put into evaluation mode and stays there.
void predict(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
             const PredictionSink& sink);

// Likewise, for those who keep the predictions.
using OwningSink = std::function<void(const Example&, std::unique_ptr<Prediction>)>;
void predict_owned(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
                   const OwningSink& sink);

struct Evaluation {
  std::vector<Score> scores;  // exactly one is primary
  std::int64_t examples = 0;
  double seconds = 0;
  // The scores of each group of [tasks.NAME.debias], where the suite names a column and the set has it.
  std::map<std::string, std::vector<Score>> groups = {};

  const Score& primary() const;
  // The name of the group with the worst primary score; there must be groups.
  const std::string& worst_group() const;
};

// What a caller wants of an evaluation besides its scores; each may be empty.
struct EvaluationSinks {
  PredictionSink prediction = {};                  // of each example, in order; of this process's part
  std::function<void(const Metric&)> metric = {};  // at the end, with the metric that saw the set
};

Evaluation evaluate(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
                    const EvaluationSinks& sinks);

const Score& primary_of(const std::vector<Score>& scores);

// How good a score is, such that more is better; NaN counts as the worst.
double goodness(const Score& score);

}  // namespace berth::evaluation

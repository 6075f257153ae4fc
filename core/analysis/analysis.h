// What fine-tuning changed inside the encoder, and where: the questions of the study that berth grew from, answered for
// a trained run. Called at the end of `berth run`, and by `berth analyze`, which takes more of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/analysis/representations.h"
#include "core/analysis/substitution.h"
#include "core/analysis/weight_change.h"
#include "core/training/session.h"

namespace berth::analysis {

struct AnalysisOptions {
  std::int64_t tokens = 1000;  // of each set, that similarities are taken over
  bool has_probes = false;
  std::function<bool()> wants_stop = nullptr;  // asked before each batch
};

// A task's examples that are looked at.
struct TaskSample {
  std::vector<data::TaskData> sets;     // dev first, where there is one; made with Keep::kExamples
  std::optional<data::TaskData> train;  // for probes
};

struct SetAnalysis {
  std::string set;
  std::int64_t examples = 0;
  Representations states;
};

struct TaskAnalysis {
  std::string task;
  std::int64_t step = 0;  // of the checkpoint
  std::vector<SetAnalysis> sets;
  // On the first set, as all that follows.
  std::string score;  // the primary one's name
  double whole = 0;   // of the task as it was trained
  std::vector<Substitution> substitution;
  std::vector<double> probes_before, probes_after;  // [1 + layers]; empty where not asked for or the head is too large
};

// Of one checkpoint.
struct StepChanges {
  std::int64_t step = 0;
  std::vector<WeightChange> changes;
};

struct Analysis {
  std::vector<StepChanges> weights;  // by step
  std::vector<TaskAnalysis> tasks;
};

// task: of the session, whose encoder and head are the trained ones; `before`: the encoder that training started from.
// The encoder's weights are changed meanwhile and put back. Throws evaluation::Stopped.
TaskAnalysis analyze_task(const training::Session& session, training::TaskSession& task, const model::Encoder& before,
                          const TaskSample& sample, const AnalysisOptions& options);

}  // namespace berth::analysis

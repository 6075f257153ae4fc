// The training loop. Reports what happens to a TrainingEvents; writes nothing itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/evaluation/evaluator.h"
#include "core/training/adamw.h"
#include "core/training/epoch.h"
#include "core/training/parameter_plan.h"
#include "core/training/schedule.h"
#include "core/training/session.h"

namespace berth::training {

struct StepEvent {
  std::int64_t step = 0;  // from 1
  std::int64_t total_steps = 0;
  double epoch = 0;
  std::string task;
  double loss = 0;  // sum / count over the step
  double rate = 0;  // the encoder's top rate at this step
  double gradient_norm = 0;
  std::int64_t examples = 0;  // of this step
  std::int64_t tokens = 0;
  std::int64_t total_examples = 0;  // so far
  double training_seconds = 0;      // so far, evaluation and checkpoints excluded
};

struct EvaluationEvent {
  std::int64_t step = 0;
  double epoch = 0;
  std::map<std::string, evaluation::Evaluation> dev;  // by task
  double goodness = 0;                                // mean of the tasks' primary scores, more is better
  bool is_best = false;
};

class TrainingEvents {
 public:
  virtual ~TrainingEvents() = default;

  virtual void starting(const ParameterPlan& plan, std::int64_t total_steps) = 0;
  virtual void stepped(const StepEvent& event) = 0;
  virtual void evaluated(const EvaluationEvent& event) = 0;
  // Now is the time to write a checkpoint. is_best: the weights are the best so far.
  virtual void checkpoint(std::int64_t step, bool is_best) = 0;
  virtual bool wants_stop() = 0;  // asked after each step; an interrupted user
};

enum class Ending : std::uint8_t { kCompleted, kStoppedEarly, kInterrupted };

struct TrainingResult {
  Ending ending = Ending::kCompleted;
  std::int64_t steps = 0;
  std::int64_t total_steps = 0;
  std::int64_t examples = 0;
  std::int64_t tokens = 0;
  double training_seconds = 0;  // evaluation and checkpoints excluded
  double trained_share = 0;
  std::int64_t trained_numbers = 0;
  std::int64_t total_numbers = 0;
};

class Trainer {
 public:
  Trainer(Session& session, TrainingEvents& events);

  // Throws Error kNumeric where a loss or gradient is not finite; the weights are then those of the step before.
  TrainingResult train();

 private:
  StepEvent train_step(const StepPlan& plan);
  Loss forward(TaskSession& task, const Batch& batch, std::int64_t micro_batch);
  void evaluate();
  void finish_evaluation(EvaluationEvent& event);
  bool evaluation_due(bool epoch_ended) const;
  EpochOptions epoch_options() const;

  Session& session_;
  TrainingEvents& events_;
  ParameterPlan plan_;
  AdamW optimizer_;
  std::int64_t steps_per_epoch_;
  std::int64_t total_steps_;
  Schedule schedule_;
  TrainingResult result_;
  double best_ = 0;
  bool has_best_ = false;
  std::int64_t evaluations_since_best_ = 0;
};

}  // namespace berth::training

// What happens while a run trains, and who hears of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "berth/error.h"
#include "core/debias/debiasing.h"
#include "core/training/parameter_plan.h"
#include "core/training/selection.h"
#include "core/training/task_gradients.h"
#include "core/training/training_state.h"

namespace berth::training {

// What one task had to do with a step.
struct TaskStep {
  std::size_t task = 0;  // of the session
  double loss = 0;       // sum / count over the step; 0 where nothing counts
  bool is_counted = true;
  double weight = 1;  // that its gradient had
};

struct StepEvent {
  std::int64_t step = 0;  // from 1
  std::int64_t total_steps = 0;
  double epoch = 0;             // not a number where a training set is streamed
  std::vector<TaskStep> tasks;  // one, or all of the suite
  double rate = 0;              // the encoder's top rate at this step
  double gradient_norm = 0;
  std::int64_t examples = 0;  // of this step
  std::int64_t tokens = 0;
  std::int64_t total_examples = 0;  // so far
  double training_seconds = 0;      // so far; evaluation, checkpoints and batches for comparisons excluded
};

struct EvaluationEvent {
  std::int64_t step = 0;
  double epoch = 0;  // not a number where a training set is streamed
  DevEvaluations dev;
  Selection::Verdict verdict;
  // Where tasks are trained one after another: the one whose turn ended with this step; else none.
  std::optional<std::size_t> ended_task;
};

// How the tasks' gradients on the encoder stand to each other: below 0, what helps one hurts the other.
struct ComparisonEvent {
  std::int64_t step = 0;
  Matrix cosines;  // [tasks][tasks], in the session's order
};

// A loss, a gradient or a weight is no number.
struct NotFiniteEvent {
  enum class Action : std::uint8_t {
    kStopped,
    kSkipped,      // the step's update
    kWentBack,     // to the last checkpoint; the steps since are lost, the schedule and the data go on
    kNotCompared,  // it was in a batch for comparing tasks alone
    kNotSaved,     // an interrupted run keeps the checkpoint that it had
  };

  std::int64_t step = 0;
  std::string what;             // "loss", "gradient", "weights"
  std::string text;             // what, where, and its value, for people
  std::vector<Where> examples;  // of the batch
  Action action = Action::kStopped;
  std::optional<std::int64_t> back_to;  // the checkpoint's step
};

// What the encoder's frozen stages make of a task's set is kept from now on.
struct CacheEvent {
  std::size_t task = 0;  // of the session
  std::string set;
  std::int64_t layers = 0;
  std::int64_t bytes = 0;
  double seconds = 0;
};

// A task's loss is another from here on; see Debiasing.
struct DebiasEvent {
  std::size_t task = 0;  // of the session
  const debias::Debiasing& debiasing;
  double seconds = 0;  // that the biased model took
};

// Now is the time to write a checkpoint.
struct CheckpointEvent {
  std::int64_t step = 0;
  bool is_due = true;                 // by the suite; else the run ends here for now
  double training_seconds = 0;        // so far
  const Selection::Verdict& verdict;  // what it is the best of
  const TrainingState& state;         // what training goes on from, besides the weights
};

class TrainingEvents {
 public:
  virtual ~TrainingEvents() = default;

  virtual void starting(const ParameterPlan& plan, std::int64_t total_steps) = 0;
  virtual void stepped(const StepEvent& event) = 0;
  virtual void compared(const ComparisonEvent& event) = 0;
  virtual void cached(const CacheEvent& event) = 0;
  virtual void debiased(const DebiasEvent& event) = 0;
  virtual void evaluated(const EvaluationEvent& event) = 0;
  virtual void not_finite(const NotFiniteEvent& event) = 0;
  virtual void checkpoint(const CheckpointEvent& event) = 0;
  virtual std::filesystem::path checkpoint_folder(std::int64_t step) const = 0;
  // A run goes on after this step; whatever was told before this call, it had told already.
  virtual void resumed(std::int64_t step) = 0;
  virtual bool wants_stop() = 0;  // asked after each step and within evaluations; an interrupted user
};

}  // namespace berth::training

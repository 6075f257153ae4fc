// The training loop. Reports what happens to a TrainingEvents; writes nothing itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "berth/loss.h"
#include "core/data/hidden_cache.h"
#include "core/debias/debiasing.h"
#include "core/finetuning/consistency.h"
#include "core/finetuning/lora.h"
#include "core/finetuning/mixout.h"
#include "core/finetuning/unfreezing.h"
#include "core/finetuning/weight_average.h"
#include "core/training/adamw.h"
#include "core/training/parameter_plan.h"
#include "core/training/schedule.h"
#include "core/training/selection.h"
#include "core/training/session.h"
#include "core/training/task_batches.h"
#include "core/training/task_gradients.h"
#include "core/training/task_order.h"
#include "core/training/task_weights.h"

namespace berth::training {

// What LibTorch's record of operations knows a step as; its own time is what lies between operations.
constexpr const char* kStepScope = "berth: between operations";

// What one task had to do with a step.
struct TaskStep {
  std::size_t task = 0;  // of the session
  double loss = 0;       // sum / count over the step
  double weight = 1;     // that its gradient had
};

struct StepEvent {
  std::int64_t step = 0;  // from 1
  std::int64_t total_steps = 0;
  double epoch = 0;
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
  double epoch = 0;
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

class TrainingEvents {
 public:
  virtual ~TrainingEvents() = default;

  virtual void starting(const ParameterPlan& plan, std::int64_t total_steps) = 0;
  virtual void stepped(const StepEvent& event) = 0;
  virtual void compared(const ComparisonEvent& event) = 0;
  virtual void cached(const CacheEvent& event) = 0;
  virtual void debiased(const DebiasEvent& event) = 0;
  virtual void evaluated(const EvaluationEvent& event) = 0;
  // Now is the time to write a checkpoint. verdict: what it is the best of.
  virtual void checkpoint(std::int64_t step, const Selection::Verdict& verdict) = 0;
  virtual bool wants_stop() = 0;  // asked after each step and within evaluations; an interrupted user
};

enum class Ending : std::uint8_t { kCompleted, kStoppedEarly, kInterrupted, kFailed };

struct TrainingResult {
  Ending ending = Ending::kCompleted;
  std::int64_t steps = 0;
  std::int64_t total_steps = 0;
  std::int64_t examples = 0;
  std::int64_t tokens = 0;
  double training_seconds = 0;  // as in StepEvent
  double trained_share = 0;
  std::int64_t trained_numbers = 0;
  std::int64_t total_numbers = 0;
};

// What learns, at which rate. Throws Error kConfig as make_plan() does.
ParameterPlan plan_of(Session& session);

class Trainer {
 public:
  Trainer(Session& session, TrainingEvents& events);

  // Throws Error kNumeric where a loss or gradient is not finite. Whatever it throws, what was learned up to the step
  // before is then a checkpoint.
  void train();

  const TrainingResult& result() const { return result_; }
  // Null where the task's loss is its head's.
  const debias::Debiasing* debiasing(std::size_t task) const { return debiasing_[task].get(); }

 private:
  // The gradients of a task's part of a step, summed over its labels, stand in the parameters.
  struct Part {
    double sum = 0;
    double count = 0;
    std::int64_t examples = 0;
    std::int64_t tokens = 0;
  };

  // A micro-batch of a task.
  struct Work {
    std::size_t task;
    const Batch& batch;
    const MicroBatch& features;
    std::uint64_t draw;  // of what is random in it
  };

  // The steps of a schedule: all of them, or a task's turn where one is trained after another.
  struct Turn {
    std::int64_t begin = 0;
    Schedule encoder;
    std::vector<Schedule> heads;  // of each task
  };

  void run_steps();
  void set_turns();
  void set_finetuning();
  void set_debiasing();
  StepEvent train_step();
  Part run_part(std::size_t task, const std::vector<MicroBatch>& batches, const char* purpose);
  void cache(std::size_t task);
  void cache_dev(std::size_t task);
  bool has_room(const data::FeatureStore& store, std::int64_t stages) const;
  void keep(std::size_t task, const data::TaskData& set, std::int64_t stages, std::int64_t pack_size,
            std::optional<data::HiddenCache>& cache);
  std::int64_t features_to_come(std::size_t task) const;
  model::EncoderInput input_of(const Work& work) const;
  model::EncoderRun run_of(const Work& work) const;
  finetuning::Answer forward(const Work& work, const model::EncoderInput& input);
  Loss loss_of(const Work& work);
  at::Tensor roughness(const Work& work, model::EncoderInput input, const at::Tensor& log_p);
  void learn_from(const Work& work, const Loss& loss);
  void backward(std::size_t task, const Loss& loss);
  void combine(const std::vector<std::size_t>& tasks);
  void compare_gradients();
  void evaluate();
  void checkpoint(const Selection::Verdict& verdict);
  bool is_evaluation_due() const;
  bool is_comparison_due() const;
  std::optional<std::size_t> ended_task() const;
  std::vector<double> factors() const;
  double epoch() const;

  Session& session_;
  TrainingEvents& events_;
  ParameterPlan plan_;
  AdamW optimizer_;
  std::optional<finetuning::Lora> lora_;
  std::optional<finetuning::Mixout> mixout_;
  std::optional<finetuning::Unfreezing> unfreezing_;
  std::optional<finetuning::WeightAverage> average_;
  std::vector<std::unique_ptr<debias::Debiasing>> debiasing_;  // of each task
  std::vector<TaskBatches> batches_;                           // of each task
  std::vector<std::int64_t> task_steps_;                       // that each task has made
  std::vector<bool> was_cached_;                               // each task's training set, or found not to be worth it
  std::vector<bool> has_learned_;                              // each task, in a step
  std::vector<std::optional<data::HiddenCache>> caches_;       // of each task's training set
  std::vector<std::optional<data::HiddenCache>> dev_caches_;
  std::int64_t cache_bytes_left_ = 0;
  std::int64_t steps_per_epoch_ = 0;
  std::int64_t total_steps_ = 0;
  std::int64_t averaged_from_ = 0;  // the step, of those of average_
  std::vector<std::size_t> order_;  // task of each step; empty where each step has all
  std::vector<Turn> turns_;         // by their begin
  TaskWeights weights_;
  TaskGradients gradients_;
  Selection selection_;
  std::int64_t comparison_every_ = 0;
  TrainingResult result_;
  std::int64_t steps_learned_ = 0;  // whose updates are in the weights
  std::int64_t evaluations_since_best_ = 0;
};

}  // namespace berth::training

// The training loop. Reports what happens to a TrainingEvents; writes nothing itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/debias/debiasing.h"
#include "core/distributed/gradient_sum.h"
#include "core/distributed/group.h"
#include "core/finetuning/lora.h"
#include "core/finetuning/mixout.h"
#include "core/finetuning/unfreezing.h"
#include "core/finetuning/weight_average.h"
#include "core/training/adamw.h"
#include "core/training/hidden_caches.h"
#include "core/training/learner.h"
#include "core/training/parameter_plan.h"
#include "core/training/schedule.h"
#include "core/training/selection.h"
#include "core/training/session.h"
#include "core/training/task_gradients.h"
#include "core/training/task_order.h"
#include "core/training/task_weights.h"
#include "core/training/training_events.h"
#include "core/training/training_set.h"
#include "core/training/training_state.h"

namespace berth::training {

// What LibTorch's record of operations knows a step as; its own time is what lies between operations.
constexpr const char* kStepScope = "berth: between operations";

enum class Ending : std::uint8_t { kCompleted, kStoppedEarly, kInterrupted, kFailed };

struct TrainingResult {
  Ending ending = Ending::kCompleted;
  std::int64_t steps = 0;
  std::int64_t total_steps = 0;
  int processes = 1;
  std::int64_t examples = 0;
  std::int64_t tokens = 0;
  double training_seconds = 0;  // as in StepEvent
  double trained_share = 0;
  std::int64_t trained_numbers = 0;
  std::int64_t total_numbers = 0;
};

// Of several processes, all throw it alike, at the same place.
struct SharedError final : Error {
  using Error::Error;
};

// Throws Error kConfig for what only one process can train.
void check_for_processes(const suite::Suite& suite);

// What learns, at which rate. Throws Error kConfig as make_plan() does.
ParameterPlan plan_of(Session& session);

class Trainer {
 public:
  Trainer(Session& session, TrainingEvents& events) : Trainer(session, events, distributed::Group::alone()) {}
  // group: of the processes that train together. Each has the same suite, data and weights, computes its share of every
  // batch, and makes the same step. See check_for_processes().
  Trainer(Session& session, TrainingEvents& events, distributed::Group& group);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // Throws Error kNumeric where a loss or gradient is not finite and the suite says to stop, or it is so again and
  // again. Whatever it throws, what was learned up to the step before is then a checkpoint, as far as it is finite.
  // from: a checkpoint of a run of the same suite, to go on after: every number from there on is what it would have
  // been had the run never stopped (by the same program, LibTorch, instruction set and number of threads). Throws Error
  // kContent where it does not fit the suite or its training sets.
  void train(const std::optional<std::filesystem::path>& from = std::nullopt);

  const TrainingResult& result() const { return result_; }
  // Null where the task's loss is its head's.
  const debias::Debiasing* debiasing(std::size_t task) const { return debiasing_[task].get(); }

 private:
  enum class Purpose : std::uint8_t { kStep, kComparison };  // what a batch is run for
  enum class Due : std::uint8_t { kYes, kNo };               // kNo: it is where a run stops for now

  // A loss, a gradient or a weight that is no number. In the text: which, and its value.
  struct NotFinite : Error {
    NotFinite(const std::string& text, const char* of_what, std::vector<Where> of_examples)
        : Error(ErrorKind::kNumeric, text), what_it_is(of_what), examples(std::move(of_examples)) {}

    const char* what_it_is;       // as in NotFiniteEvent
    std::vector<Where> examples;  // of the batch; empty: it is in the weights, and no step to be left out
  };

  // The gradients of a task's part of a step, summed over its labels, stand in the parameters.
  struct Part {
    double sum = 0;
    double count = 0;
    std::int64_t examples = 0;
    std::int64_t tokens = 0;
    std::size_t micro_batch = 0;  // the present one
    bool is_last = false;
    std::optional<std::size_t> not_finite = {};  // the micro-batch whose loss is no number
    bool is_joined = false;                      // the numbers are those of all processes
  };

  // The steps of a schedule: all of them, or a task's turn where one is trained after another.
  struct Turn {
    std::int64_t begin = 0;
    Schedule encoder;
    std::vector<Schedule> heads;  // of each task
  };

  void run_steps(const std::optional<std::filesystem::path>& from);
  void resume(const std::filesystem::path& folder);
  TrainingState load(const std::filesystem::path& folder);
  bool has_enough() const;
  void make_step();
  void finish_step();
  void finish_step_once();
  void recover(const NotFinite& found);
  void leave_out_step();
  std::int64_t go_back();
  void try_to_compare();
  void drop_gradients();
  std::vector<std::size_t> tasks_of_step(std::int64_t step) const;
  std::vector<Where> places_of(const std::vector<std::size_t>& tasks);
  void check_weights() const;
  TrainingState state() const;
  std::vector<const PlannedParameter*> own_parameters() const;
  void set_turns();
  void set_finetuning();
  void set_debiasing();
  void commit_debiasing();
  StepEvent train_step();
  Part run_part(std::size_t task, const std::vector<MicroBatch>& batches, Purpose purpose);
  void run_micro_batch(const Learner::Work& work, Purpose purpose, Part& part);
  void join(std::size_t task, Part& part);
  void check_processes();
  bool wants_stop();
  void keep_hidden(std::size_t task);
  std::optional<Matrix> combine(const std::vector<std::size_t>& tasks);
  void compare_gradients();
  DevEvaluations evaluate_dev();
  void evaluate();
  void checkpoint(Due due);
  void write_checkpoint(Due due);
  void checkpoint_if_finite();
  bool is_evaluation_due() const;
  bool is_checkpoint_due() const;
  bool is_comparison_due() const;
  std::optional<std::size_t> ended_task() const;
  std::vector<double> factors() const;
  double epoch() const;

  Session& session_;
  TrainingEvents& events_;
  distributed::Group& group_;
  ParameterPlan plan_;
  distributed::GradientSum gradient_sum_;
  AdamW optimizer_;
  std::optional<finetuning::Lora> lora_;
  std::optional<finetuning::Mixout> mixout_;
  std::optional<finetuning::Unfreezing> unfreezing_;
  std::optional<finetuning::WeightAverage> average_;
  std::vector<std::unique_ptr<debias::Debiasing>> debiasing_;  // of each task
  std::vector<std::unique_ptr<TrainingSet>> sets_;             // of each task
  std::vector<std::int64_t> task_steps_;                       // that each task has made
  std::vector<bool> has_learned_;                              // each task, in a step
  HiddenCaches caches_;
  Learner learner_;
  std::vector<std::int64_t> data_;    // fingerprints of the tasks' training sets
  std::vector<double> passes_;        // that training makes over each task's training set; 0: nobody knows
  std::int64_t steps_per_epoch_ = 0;  // 0 where a set is streamed: nobody knows
  std::int64_t total_steps_ = 0;
  std::int64_t averaged_from_ = 0;  // the step, of those of average_
  std::vector<std::size_t> order_;  // task of each step; empty where each step has all
  std::vector<Turn> turns_;         // by their begin
  TaskWeights weights_;
  TaskGradients gradients_;
  Selection selection_;
  std::int64_t comparison_every_ = 0;
  std::int64_t evaluation_every_ = 0;
  TrainingResult result_;
  std::int64_t steps_learned_ = 0;                // whose updates are in the weights
  std::vector<std::int64_t> task_steps_learned_;  // as task_steps_, of these steps
  Selection::Verdict verdict_;                    // of an evaluation that is in no checkpoint yet
  bool has_compared_ = false;                     // after the last step, as far as that was due
  bool has_evaluated_ = false;
  std::int64_t evaluations_since_best_ = 0;
  std::int64_t back_step_ = -1;  // of the last checkpoint that was due; -1: there is none yet
  std::int64_t troubles_ = 0;    // in a row: steps left out, or goings back to one checkpoint
  bool was_left_out_ = false;    // the last step
  bool is_stop_agreed_ = false;  // by all processes, at the last step
};

}  // namespace berth::training

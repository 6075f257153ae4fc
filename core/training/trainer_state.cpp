// What a checkpoint has of a Trainer, and going on from there.
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <set>

#include "core/checkpoint/run_checkpoint.h"
#include "core/plugin/head_tensors.h"
#include "core/training/trainer.h"

namespace berth::training {
namespace {

// Where a parameter is, that neither the encoder nor a head has: what adapts a weight, and a learned mixin's gate.
std::string own_name(const PlannedParameter& parameter) { return "parameters/" + parameter.name; }

}  // namespace

TrainingState Trainer::state() const {
  TrainingState state;
  state.put("counts", std::vector<std::int64_t>{result_.steps, result_.total_steps, result_.examples, result_.tokens,
                                                evaluations_since_best_, has_compared_, has_evaluated_, troubles_,
                                                was_left_out_, back_step_});
  state.put("steps of tasks", task_steps_);
  state.put("data", data_);
  for (std::size_t task = 0; task < sets_.size(); ++task) sets_[task]->save(state, task_steps_[task]);
  for (const auto* parameter : own_parameters()) state.put(own_name(*parameter), parameter->tensor);
  optimizer_.save(state);
  weights_.save(state);
  selection_.save(state);
  caches_.save(state);
  if (average_) average_->save(state);
  for (std::size_t task = 0; task < debiasing_.size(); ++task) {
    if (debiasing_[task]) debiasing_[task]->save(state, session_.tasks[task].task.name());
  }
  return state;
}

// All but what is computed from frozen weights (caches), and where the run and its training sets are told to be.
TrainingState Trainer::load(const std::filesystem::path& folder) {
  auto state = TrainingState::read(folder / checkpoint::kTrainingFile);
  if (state.integers("data", session_.tasks.size()) != data_) {
    throw Error(ErrorKind::kContent, {folder.string()},
                "the training sets are not those that the run was started with; bring these back, or start anew");
  }
  restore(session_, folder);
  const at::NoGradGuard no_grad;
  const auto counts = state.integers("counts", 10);
  if (counts[1] != total_steps_) {
    throw Error(ErrorKind::kContent, {folder.string()},
                fmt::format("is of a run of {} steps, but the suite asks for {}", counts[1], total_steps_));
  }
  for (const auto* parameter : own_parameters()) state.copy_to(parameter->tensor, own_name(*parameter));
  optimizer_.load(state);
  weights_.load(state);
  std::vector<std::string> tasks;
  for (const auto& task : session_.tasks) tasks.push_back(task.task.name());
  selection_.load(state, tasks);
  if (average_) average_->load(state);
  for (std::size_t task = 0; task < debiasing_.size(); ++task) {
    if (debiasing_[task]) debiasing_[task]->load(state, tasks[task]);
  }
  if (unfreezing_ && counts[0] > 0) unfreezing_->set(counts[0] - 1);
  task_steps_ = task_steps_learned_ = state.integers("steps of tasks", session_.tasks.size());
  result_.examples = counts[2];
  result_.tokens = counts[3];
  evaluations_since_best_ = counts[4];
  has_compared_ = counts[5] != 0;
  has_evaluated_ = counts[6] != 0;
  troubles_ = counts[7];
  was_left_out_ = counts[8] != 0;
  back_step_ = counts[9];
  verdict_ = {};
  has_learned_.assign(session_.tasks.size(), false);  // a fresh table of rows has to be settled for whoever reads it
  result_.steps = steps_learned_ = counts[0];         // last: from here on there is something to save
  return state;
}

void Trainer::resume(const std::filesystem::path& folder) {
  const auto state = load(folder);
  for (std::size_t task = 0; task < sets_.size(); ++task) sets_[task]->load(state, task_steps_[task]);
  caches_.load(state);
  result_.training_seconds = checkpoint::read_info(folder).training_seconds;
  events_.resumed(result_.steps);
}

// The trained ones that a checkpoint has in no other file.
std::vector<const PlannedParameter*> Trainer::own_parameters() const {
  std::set<const void*> elsewhere;
  for (const auto& parameter : session_.encoder.parameters()) elsewhere.insert(parameter.tensor.unsafeGetTensorImpl());
  for (const auto& task : session_.tasks) {
    for (const auto& [name, tensor] : plugin::head_tensors(*task.head)) elsewhere.insert(tensor.unsafeGetTensorImpl());
  }
  std::vector<const PlannedParameter*> own;
  for (const auto& parameter : plan_.parameters) {
    const bool is_own = !elsewhere.contains(parameter.tensor.unsafeGetTensorImpl());
    if (is_own && parameter.status == Status::kTrained) own.push_back(&parameter);
  }
  return own;
}

}  // namespace berth::training

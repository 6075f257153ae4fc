// What a Trainer does about a loss, a gradient or a weight that is no number.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/sum.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/checkpoint/manifest.h"
#include "core/plugin/head_tensors.h"
#include "core/training/trainer.h"

namespace berth::training {
namespace {

using Action = NotFiniteEvent::Action;

constexpr std::int64_t kMostInARow = 10;
constexpr std::size_t kMostPlacesTold = 64;

// "" where the suite has taken them already.
std::string_view other_ways(suite::NotFinite policy, bool is_in_weights) {
  if (policy != suite::NotFinite::kStop) return "";
  return is_in_weights ? "; training.not_finite = \"back\" goes on from the last checkpoint, as long as that helps"
                       : "; training.not_finite = \"skip\" or \"back\" goes on without such a batch, in a run that is "
                         "resumed too";
}

// In blocks, as float64: a sum of finite float32 numbers is finite then, and no copy of all of them is made.
bool is_finite(const at::Tensor& numbers) {
  constexpr std::int64_t kBlock = 1 << 18;
  const at::Tensor flat = numbers.reshape(-1);
  for (std::int64_t from = 0; from < flat.numel(); from += kBlock) {
    const auto block = flat.slice(0, from, std::min(flat.numel(), from + kBlock));
    if (!std::isfinite(at::sum(block, at::kDouble).item<double>())) return false;
  }
  return true;
}

}  // namespace

// A head's buffers may hold infinities of its own (a mask), but no NaN.
void Trainer::check_weights() const {
  const at::NoGradGuard no_grad;
  const auto fail = [&](const std::string& name) {
    throw NotFinite(fmt::format("step {}: the weights are not finite, {}", result_.steps, name), "weights", {});
  };
  for (const auto& parameter : plan_.parameters) {
    if (!is_finite(parameter.tensor)) fail(parameter.name);
  }
  for (const auto& task : session_.tasks) {
    for (const auto& [name, tensor] : plugin::head_tensors(*task.head)) {
      if (tensor.is_floating_point() && at::isnan(tensor).any().item<bool>()) {
        fail(fmt::format("{}: {}", task.task.owner(), name));
      }
    }
  }
  const auto now = state();
  for (const auto& [name, tensor] : now.tensors()) {
    const bool is_weight = name.starts_with("optimizer/") || name.starts_with("average/");
    if (is_weight && tensor.is_floating_point() && !is_finite(tensor)) fail(name);
  }
}

void Trainer::make_step() {
  try {
    events_.stepped(train_step());
  } catch (const NotFinite& found) {
    recover(found);
  }
}

void Trainer::finish_step() {
  try {
    finish_step_once();
  } catch (const NotFinite& found) {
    recover(found);
    finish_step_once();
  }
}

void Trainer::try_to_compare() {
  try {
    compare_gradients();
  } catch (const NotFinite& found) {
    if (session_.suite.training.not_finite == suite::NotFinite::kStop) throw;
    drop_gradients();
    events_.not_finite({result_.steps, found.what_it_is, found.what(), found.examples, Action::kNotCompared, {}});
  }
}

// The step counts as made afterwards, or what was found ends the run.
void Trainer::recover(const NotFinite& found) {
  drop_gradients();
  const auto policy = session_.suite.training.not_finite;
  const bool is_in_weights = found.examples.empty();
  NotFiniteEvent event{result_.steps, found.what_it_is, found.what(), found.examples, Action::kStopped, {}};
  const bool is_once_too_often = troubles_ >= kMostInARow;
  if (policy == suite::NotFinite::kStop || (policy == suite::NotFinite::kSkip && is_in_weights) || is_once_too_often) {
    events_.not_finite(event);
    const auto again = is_once_too_often ? fmt::format(", as {} times in a row before", troubles_) : "";
    const auto examples =
        is_in_weights ? "" : fmt::format("; its examples: {}", data::describe(found.examples, kMostPlacesTold));
    throw SharedError(ErrorKind::kNumeric,
                      fmt::format("{}{}{}; lower the rate (optimizer.rate), clip gradients "
                                  "(training.clip_norm) or look for broken rows in the data{}",
                                  found.what(), again, examples, other_ways(policy, is_in_weights)));
  }
  if (!is_in_weights) leave_out_step();
  event.action = Action::kSkipped;
  if (policy == suite::NotFinite::kBack) {
    event.action = Action::kWentBack;
    try {
      event.back_to = go_back();
    } catch (const Error& error) {
      event.action = Action::kStopped;
      events_.not_finite(event);
      throw Error(error, fmt::format("{}; and the way back is barred: {}", found.what(), error.what()));
    }
  }
  ++troubles_;
  was_left_out_ = true;
  events_.not_finite(event);
}

// An interrupted run that has nothing good to save keeps what it had.
void Trainer::checkpoint_if_finite() {
  try {
    checkpoint(Due::kNo);
  } catch (const NotFinite& found) {
    events_.not_finite({result_.steps, found.what_it_is, found.what(), {}, Action::kNotSaved, {}});
  }
}

// Of a step, whatever it came to.
void Trainer::drop_gradients() {
  for (const auto& parameter : plan_.parameters) parameter.tensor.mutable_grad().reset();
  gradients_.clear();
  for (const auto& debiasing : debiasing_) {
    if (debiasing) debiasing->undo();
  }
}

void Trainer::leave_out_step() {
  task_steps_ = task_steps_learned_;
  for (const auto task : tasks_of_step(result_.steps - 1)) ++task_steps_[task];
  task_steps_learned_ = task_steps_;
  steps_learned_ = result_.steps;
  has_compared_ = has_evaluated_ = false;
}

// To what was learned up to the last checkpoint that was due: where that is does not hang on when the run was
// interrupted. Returns its step.
std::int64_t Trainer::go_back() {
  const auto now = result_;
  const auto task_steps = task_steps_;
  const auto troubles = troubles_;
  const bool has_compared = has_compared_;
  const auto folder = events_.checkpoint_folder(back_step_);
  checkpoint::verify(folder, checkpoint::Part::kAll);
  steps_learned_ = 0;  // should it fail halfway, there is nothing to save
  load(folder);
  const auto step = result_.steps;
  result_ = now;
  task_steps_ = task_steps_learned_ = task_steps;
  steps_learned_ = now.steps;
  troubles_ = troubles;
  has_compared_ = has_compared;
  has_evaluated_ = false;
  if (unfreezing_) unfreezing_->set(now.steps - 1);
  return step;
}

// Of the training batches of the step that is being made.
std::vector<Where> Trainer::places_of(const std::vector<std::size_t>& tasks) {
  std::vector<Where> places;
  for (const auto task : tasks) {
    for (const auto& batch : sets_[task]->at(task_steps_learned_[task])) {
      const auto more = sets_[task]->data().places_of(batch);
      places.insert(places.end(), more.begin(), more.end());
    }
  }
  return places;
}

}  // namespace berth::training

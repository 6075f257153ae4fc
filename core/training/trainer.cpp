#include "core/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "core/debias/prepare.h"
#include "core/platform/heap.h"
#include "core/plugin/head_tensors.h"

namespace berth::training {
namespace {

std::int64_t total_steps_of(const suite::TrainingConfig& config, std::int64_t steps_per_epoch) {
  if (config.steps > 0) return config.steps;
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(config.epochs * static_cast<double>(steps_per_epoch))));
}

// Once an epoch, or ten times a run where nobody knows how long an epoch is.
std::int64_t evaluation_interval(const suite::EvaluationConfig& config, std::int64_t steps_per_epoch,
                                 std::int64_t total_steps) {
  if (config.every > 0) return config.every;
  return steps_per_epoch > 0 ? steps_per_epoch : std::max<std::int64_t>(1, total_steps / 10);
}

// Comparing costs a batch of every task each time.
std::int64_t comparison_interval(const suite::Suite& suite, std::int64_t total_steps) {
  if (suite.tasks.size() < 2) return 0;
  return suite.mixing.cosine_every.value_or(std::max<std::int64_t>(1, total_steps / 10));
}

}  // namespace

ParameterPlan plan_of(Session& session) {
  bool uses_pooler = false;
  std::vector<HeadParameters> heads;
  for (auto& task : session.tasks) {
    const auto& config = task.task.config();
    uses_pooler |= task.task.input(*task.head) == HeadInput::kPooled;
    auto parameters = plugin::head_parameters(*task.head);
    if (task.gate) {
      for (auto& parameter : task.gate->parameters()) parameters.push_back(std::move(parameter));
    }
    heads.push_back({config.name, config.head_rate, std::move(parameters), config.head_warmup.has_value()});
  }
  return make_plan(session.encoder, uses_pooler, heads, session.suite.optimizer, session.suite.finetuning);
}

Trainer::Trainer(Session& session, TrainingEvents& events, distributed::Group& group)
    : session_(session),
      events_(events),
      group_(group),
      plan_(plan_of(session)),
      gradient_sum_(group, plan_.trained()),
      optimizer_(plan_, session.suite.optimizer, session.encoder.word_embeddings()),
      debiasing_(session.tasks.size()),
      task_steps_(session.tasks.size(), 0),
      has_learned_(session.tasks.size(), false),
      caches_(session, events, [this] { return group_.is_alone() && events_.wants_stop(); }),
      learner_(session, caches_, debiasing_),
      weights_(session.suite),
      gradients_(plan_),
      selection_(session.suite.evaluation.select_by) {
  const auto& config = session.suite.training;
  const auto seed = static_cast<std::uint64_t>(config.seed);
  if (config.activation_checkpointing) {
    platform::return_large_blocks();  // otherwise the heap grows to what the layers would have kept
  } else {
    platform::keep_freed_blocks();
  }
  std::vector<MixedTask> mixed;
  for (const auto& task : session.tasks) {
    sets_.push_back(make_training_set(session, task));
    mixed.push_back({task.task.name(), sets_.back()->size(), sets_.back()->steps_per_epoch()});
  }
  const auto& mixing = session.suite.mixing;
  steps_per_epoch_ = steps_per_epoch(mixing, mixed);
  total_steps_ = total_steps_of(config, steps_per_epoch_);
  if (mixing.step == suite::StepKind::kOneTask) {
    order_ = task_order(mixing, mixed, {total_steps_, config.shuffle, seed});
  }
  for (std::size_t task = 0; task < session.tasks.size(); ++task) {
    const auto steps = order_.empty() ? total_steps_ : std::count(order_.begin(), order_.end(), task);
    data_.push_back(static_cast<std::int64_t>(sets_[task]->fingerprint()));
    const auto per_epoch = sets_[task]->steps_per_epoch();
    passes_.push_back(per_epoch > 0 ? static_cast<double>(steps) / static_cast<double>(per_epoch) : 0);
  }
  task_steps_learned_ = task_steps_;
  set_turns();
  set_finetuning();
  comparison_every_ = comparison_interval(session.suite, total_steps_);
  evaluation_every_ = evaluation_interval(session.suite.evaluation, steps_per_epoch_, total_steps_);
}

void Trainer::set_finetuning() {
  const auto& config = session_.suite.finetuning;
  const auto steps = [this](double share) {
    return static_cast<std::int64_t>(std::llround(share * static_cast<double>(total_steps_)));
  };
  if (config.method == suite::Method::kLora) lora_.emplace(plan_, config.lora_rank, config.lora_alpha);
  if (config.mixout > 0) mixout_.emplace(plan_, config.mixout, stream_seed(session_.suite.training.seed, "mixout"));
  if (config.gradual_unfreezing > 0) {
    unfreezing_.emplace(plan_, session_.encoder.config().num_hidden_layers, steps(config.gradual_unfreezing));
  }
  if (config.average > 0 && steps(config.average) == 0) {
    throw Error(ErrorKind::kConfig, config.average_where,
                fmt::format("finetuning.average = {} of {} steps is none; average more, or take it away",
                            config.average, total_steps_));
  }
  if (config.average > 0) average_.emplace(plan_);
  averaged_from_ = total_steps_ - steps(config.average);
}

void Trainer::set_debiasing() {
  for (std::size_t task = 0; task < session_.tasks.size(); ++task) {
    const auto start = std::chrono::steady_clock::now();
    debiasing_[task] = debias::prepare(session_, session_.tasks[task]);
    if (!debiasing_[task]) continue;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    events_.debiased({task, *debiasing_[task], seconds.count()});
    if (group_.is_alone() && events_.wants_stop()) throw evaluation::Stopped{};
  }
}

void Trainer::set_turns() {
  std::vector<std::int64_t> bounds = {0};
  if (session_.suite.mixing.kind == suite::MixingKind::kSequential) {
    for (std::int64_t step = 1; step < total_steps_; ++step) {
      const auto i = static_cast<std::size_t>(step);
      if (order_[i] != order_[i - 1]) bounds.push_back(step);
    }
  }
  bounds.push_back(total_steps_);
  for (std::size_t i = 0; i + 1 < bounds.size(); ++i) {
    const auto length = bounds[i + 1] - bounds[i];
    Turn turn{bounds[i], Schedule(session_.suite.schedule, length), {}};
    for (const auto& task : session_.tasks) {
      auto own = session_.suite.schedule;
      if (const auto warmup = task.task.config().head_warmup) {
        own.warmup = *warmup;
        own.warmup_steps.reset();
      }
      turn.heads.emplace_back(own, length);
    }
    turns_.push_back(std::move(turn));
  }
}

void Trainer::train(const std::optional<std::filesystem::path>& from) {
  try {
    run_steps(from);
  } catch (const evaluation::Stopped&) {
    result_.ending = Ending::kInterrupted;
    if (result_.steps > 0) checkpoint_if_finite();
  } catch (...) {
    result_.ending = Ending::kFailed;
    result_.steps = steps_learned_;
    task_steps_ = task_steps_learned_;
    try {
      if (steps_learned_ > 0) write_checkpoint(Due::kNo);  // the others may know nothing of it: no meeting
    } catch (const std::exception&) {                      // a full disk, say: the first error is the one to tell
    }
    throw;
  }
}

void Trainer::run_steps(const std::optional<std::filesystem::path>& from) {
  result_.total_steps = total_steps_;
  result_.processes = group_.size();
  result_.trained_share = plan_.trained_share();
  result_.trained_numbers = plan_.count(Status::kTrained);
  result_.total_numbers = plan_.total();
  events_.starting(plan_, total_steps_);
  check_processes();
  set_debiasing();  // by the weights from before training
  if (from) {
    resume(*from);
  } else if (session_.suite.checkpoints.initial || session_.suite.training.not_finite == suite::NotFinite::kBack) {
    checkpoint(Due::kYes);
  }
  if (result_.steps < total_steps_) {  // what a stream holds is read before the first step, not in its time
    for (std::size_t task = 0; task < sets_.size(); ++task) sets_[task]->at(task_steps_[task]);
  }
  if (result_.steps > 0) {
    finish_step();
  } else if (session_.suite.evaluation.before) {
    evaluate();
  }
  while (result_.steps < total_steps_ && !has_enough()) {
    make_step();
    if (wants_stop()) {
      checkpoint_if_finite();
      result_.ending = Ending::kInterrupted;
      return;
    }
    finish_step();
  }
  if (result_.steps < total_steps_) result_.ending = Ending::kStoppedEarly;
}

// What is due between two steps, as far as it has not been done.
void Trainer::finish_step_once() {
  if (is_comparison_due() && !order_.empty() && !has_compared_) try_to_compare();
  has_compared_ = true;
  if (has_evaluated_) return;
  if (is_evaluation_due()) {
    evaluate();
  } else if (is_checkpoint_due()) {
    has_evaluated_ = true;
    checkpoint(Due::kYes);
  }
}

bool Trainer::is_checkpoint_due() const {
  const auto every = session_.suite.checkpoints.every;
  return every > 0 && result_.steps % every == 0;
}

bool Trainer::is_comparison_due() const { return comparison_every_ > 0 && result_.steps % comparison_every_ == 0; }

void Trainer::checkpoint(Due due) {
  write_checkpoint(due);
  group_.meet();  // whoever goes back to it finds it there
}

void Trainer::write_checkpoint(Due due) {
  optimizer_.settle();
  std::optional<finetuning::WeightAverage::Placed> mean;
  if (average_) mean.emplace(*average_);
  check_weights();
  if (due == Due::kYes) {
    back_step_ = result_.steps;
    if (!was_left_out_ && session_.suite.training.not_finite == suite::NotFinite::kBack) troubles_ = 0;
  }
  const auto now = state();
  events_.checkpoint({result_.steps, due == Due::kYes, result_.training_seconds, verdict_, now});
  verdict_ = {};
}

}  // namespace berth::training

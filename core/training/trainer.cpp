#include "core/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "core/data/encoded_batch.h"
#include "core/plugin/head_tensors.h"
#include "core/training/random.h"

namespace berth::training {
namespace {

ParameterPlan plan_of(Session& session) {
  bool uses_pooler = false;
  std::vector<HeadParameters> heads;
  for (auto& task : session.tasks) {
    uses_pooler |= task.head->input() == HeadInput::kPooled;
    heads.push_back({task.task.name(), task.task.config().head_rate, plugin::head_parameters(*task.head)});
  }
  return make_plan(session.encoder, uses_pooler, heads, session.suite.optimizer);
}

std::vector<std::int64_t> sizes_of(const Session& session) {
  std::vector<std::int64_t> sizes;
  for (const auto& task : session.tasks) sizes.push_back(task.train->store.size());
  return sizes;
}

std::int64_t total_steps_of(const suite::TrainingConfig& config, std::int64_t steps_per_epoch) {
  if (config.steps > 0) return config.steps;
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(config.epochs * static_cast<double>(steps_per_epoch))));
}

[[noreturn]] void not_finite(const std::string& what, double value, std::int64_t step, const TaskSession& task) {
  throw Error(ErrorKind::kNumeric,
              fmt::format("step {}, {}: the {} is {}; lower the rate (optimizer.rate), clip gradients "
                          "(training.clip_norm) or look for broken rows in the data",
                          step, task.task.owner(), what, value));
}

}  // namespace

Trainer::Trainer(Session& session, TrainingEvents& events)
    : session_(session),
      events_(events),
      plan_(plan_of(session)),
      optimizer_(plan_, session.suite.optimizer),
      steps_per_epoch_(static_cast<std::int64_t>(make_epoch(sizes_of(session), epoch_options(), 0).size())),
      total_steps_(total_steps_of(session.suite.training, steps_per_epoch_)),
      schedule_(session.suite.schedule, total_steps_) {}

EpochOptions Trainer::epoch_options() const {
  const auto& config = session_.suite.training;
  return {config.batch_size, config.accumulate, config.shuffle, static_cast<std::uint64_t>(config.seed)};
}

TrainingResult Trainer::train() {
  result_.total_steps = total_steps_;
  result_.trained_share = plan_.trained_share();
  result_.trained_numbers = plan_.count(Status::kTrained);
  result_.total_numbers = plan_.total();
  events_.starting(plan_, total_steps_);
  if (session_.suite.checkpoints.initial) events_.checkpoint(0, false);
  if (session_.suite.evaluation.before) evaluate();

  const auto patience = session_.suite.evaluation.patience;
  for (std::int64_t epoch = 0; result_.steps < total_steps_; ++epoch) {
    const auto steps = make_epoch(sizes_of(session_), epoch_options(), epoch);
    for (std::size_t i = 0; i < steps.size() && result_.steps < total_steps_; ++i) {
      events_.stepped(train_step(steps[i]));
      if (events_.wants_stop()) {
        events_.checkpoint(result_.steps, false);
        result_.ending = Ending::kInterrupted;
        return result_;
      }
      if (evaluation_due(i + 1 == steps.size())) evaluate();
      if (patience > 0 && evaluations_since_best_ >= patience) {
        result_.ending = Ending::kStoppedEarly;
        return result_;
      }
    }
  }
  return result_;
}

bool Trainer::evaluation_due(bool epoch_ended) const {
  const auto every = session_.suite.evaluation.every;
  return result_.steps == total_steps_ || (every > 0 ? result_.steps % every == 0 : epoch_ended);
}

StepEvent Trainer::train_step(const StepPlan& plan) {
  const auto start = std::chrono::steady_clock::now();
  auto& task = session_.tasks[plan.task];
  const double factor = schedule_.factor(result_.steps);
  const std::int64_t step = ++result_.steps;
  StepEvent event;
  double sum = 0;
  double count = 0;
  task.head->train();
  for (std::size_t m = 0; m < plan.micro_batches.size(); ++m) {
    const auto batch = task.train->store.pack(plan.micro_batches[m]);
    const Loss loss = forward(task, *batch, static_cast<std::int64_t>(m));
    const auto value = loss.sum.item<double>();
    if (!std::isfinite(value)) not_finite("loss", value, step, task);
    if (loss.sum.requires_grad()) loss.sum.backward();
    sum += value;
    count += loss.count;
    event.examples += batch->size();
    event.tokens += batch->tokens();
  }
  if (count > 0) {
    const auto summary = optimizer_.step(task.task.config().weight / count, session_.suite.training.clip_norm, factor);
    if (!std::isfinite(summary.norm)) not_finite("gradient's norm", summary.norm, step, task);
    event.gradient_norm = summary.norm;
    event.loss = sum / count;
  }
  result_.training_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result_.examples += event.examples;
  result_.tokens += event.tokens;
  event.total_examples = result_.examples;
  event.step = step;
  event.total_steps = total_steps_;
  event.epoch = static_cast<double>(step) / static_cast<double>(steps_per_epoch_);
  event.task = task.task.name();
  event.rate = session_.suite.optimizer.rate * factor;
  event.training_seconds = result_.training_seconds;
  return event;
}

Loss Trainer::forward(TaskSession& task, const Batch& batch, std::int64_t micro_batch) {
  const auto seed = static_cast<std::uint64_t>(session_.suite.training.seed);
  const auto draw = mix({hash_name(task.task.name()), static_cast<std::uint64_t>(result_.steps),
                         static_cast<std::uint64_t>(micro_batch)});
  model::EncoderRun run;
  run.input = task.head->input();
  run.training = true;
  run.key = {mix({seed, hash_name("dropout")}), draw};
  const auto encoded = data::encode(session_.encoder, batch, run);
  seed_libtorch(mix({seed, hash_name("head"), draw}));
  return plugin::guarded(task.task.site("forward and loss"), [&] {
    const auto outputs = task.head->forward(encoded);
    auto loss = task.head->loss(outputs, batch, LossDetail::kSum);
    if (!loss.sum.defined() || loss.sum.numel() != 1 || !(loss.count >= 0)) {
      throw Error(ErrorKind::kPlugin, "the loss needs a sum of one element and a count of 0 or more");
    }
    return loss;
  });
}

void Trainer::evaluate() {
  EvaluationEvent event;
  event.step = result_.steps;
  event.epoch = static_cast<double>(result_.steps) / static_cast<double>(steps_per_epoch_);
  double sum = 0;
  for (auto& task : session_.tasks) {
    if (task.dev() == nullptr) continue;
    evaluation::EvaluationSinks sinks;
    if (event.step > 0) sinks.metric = [&task](const Metric& metric) { task.task.tune(metric); };
    auto evaluation = evaluation::evaluate(session_.model_of(task), *task.dev(), session_.evaluation_options(), sinks);
    sum += evaluation::goodness(evaluation.primary());
    event.dev.emplace(task.task.name(), std::move(evaluation));
  }
  event.goodness = event.dev.empty() ? 0 : sum / static_cast<double>(event.dev.size());
  finish_evaluation(event);
}

// The untrained model's score is for comparison: it is neither the best nor worth a checkpoint.
void Trainer::finish_evaluation(EvaluationEvent& event) {
  if (event.step == 0) {
    events_.evaluated(event);
    return;
  }
  event.is_best = event.dev.empty() || !has_best_ || event.goodness > best_;
  if (event.is_best) {
    best_ = event.goodness;
    has_best_ = true;
    evaluations_since_best_ = 0;
  } else {
    ++evaluations_since_best_;
  }
  events_.evaluated(event);
  events_.checkpoint(event.step, event.is_best);
}

}  // namespace berth::training

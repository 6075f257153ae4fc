// When a Trainer evaluates, and what comes of it.
#include <limits>
#include <string>
#include <vector>

#include "core/training/trainer.h"

namespace berth::training {

// Not a number where nobody knows.
double Trainer::epoch() const {
  if (steps_per_epoch_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(result_.steps) / static_cast<double>(steps_per_epoch_);
}

std::optional<std::size_t> Trainer::ended_task() const {
  const auto step = static_cast<std::size_t>(result_.steps);
  if (session_.suite.mixing.kind != suite::MixingKind::kSequential || step == 0) return std::nullopt;
  if (step < order_.size() && order_[step] == order_[step - 1]) return std::nullopt;
  return order_[step - 1];
}

bool Trainer::is_evaluation_due() const {
  if (result_.steps == total_steps_ || ended_task()) return true;
  return result_.steps % evaluation_every_ == 0;
}

bool Trainer::has_enough() const {
  const auto patience = session_.suite.evaluation.patience;
  return patience > 0 && evaluations_since_best_ >= patience;
}

// Every task's dev set, and what the tasks choose by it.
DevEvaluations Trainer::evaluate_dev() {
  auto options = session_.evaluation_options();
  options.wants_stop = [this] { return events_.wants_stop(); };
  options.group = &group_;
  DevEvaluations evaluations;
  std::vector<std::string> known;
  for (const auto& task : session_.tasks) known.push_back(task.task.save_state());
  try {
    for (std::size_t i = 0; i < session_.tasks.size(); ++i) {
      auto& task = session_.tasks[i];
      if (task.dev() == nullptr) continue;
      if (result_.steps < total_steps_) caches_.keep_dev(i);
      options.hidden = caches_.dev(i);
      evaluation::EvaluationSinks sinks;
      if (result_.steps > 0) sinks.metric = [&task](const Metric& metric) { task.task.tune(metric); };
      evaluations.emplace(task.task.name(), evaluation::evaluate(session_.model_of(task), *task.dev(), options, sinks));
    }
  } catch (...) {  // all of it is done again, if the run goes on
    for (std::size_t i = 0; i < known.size(); ++i) session_.tasks[i].task.load_state(known[i]);
    throw;
  }
  return evaluations;
}

// The untrained model's score is for comparison: it is neither the best nor worth a checkpoint.
void Trainer::evaluate() {
  optimizer_.settle();
  std::optional<finetuning::WeightAverage::Placed> mean;
  if (average_) mean.emplace(*average_);
  if (result_.steps > 0) check_weights();  // what they answer would be told as a score
  EvaluationEvent event;
  event.step = result_.steps;
  event.epoch = epoch();
  event.ended_task = ended_task();
  event.dev = evaluate_dev();
  if (event.step == 0) {
    events_.evaluated(event);
    return;
  }
  event.verdict = verdict_ = selection_.judge(event.dev);
  evaluations_since_best_ = event.verdict.is_progress() ? 0 : evaluations_since_best_ + 1;
  has_evaluated_ = true;
  events_.evaluated(event);
  checkpoint(Due::kYes);
}

}  // namespace berth::training

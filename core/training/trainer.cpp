#include "core/training/trainer.h"

#include <ATen/record_function.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/debias/prepare.h"
#include "core/platform/heap.h"
#include "core/plugin/head_tensors.h"
#include "core/training/batch_part.h"
#include "core/training/random.h"
#include "core/training/streamed_set.h"

namespace berth::training {
namespace {

std::int64_t total_steps_of(const suite::TrainingConfig& config, std::int64_t steps_per_epoch) {
  if (config.steps > 0) return config.steps;
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(config.epochs * static_cast<double>(steps_per_epoch))));
}

std::unique_ptr<TrainingSet> training_set_of(const Session& session, const TaskSession& task) {
  const auto& config = session.suite.training;
  const auto& of_task = task.task.config();
  if (of_task.stream) {
    const auto buffer = config.shuffle ? of_task.shuffle_buffer : 1;
    return std::make_unique<StreamedSet>(
        task.task, session.feature_options(), *task.train,
        StreamedSet::Options{config.batch_size, config.accumulate, buffer, config.seed});
  }
  const bool is_balanced = of_task.debias.method == suite::DebiasMethod::kBalanced;
  return std::make_unique<HeldSet>(
      task.task.name(), *task.train,
      BatchOptions{config.batch_size, config.accumulate, config.shuffle, static_cast<std::uint64_t>(config.seed),
                   is_balanced ? task.groups.of : std::vector<std::int64_t>()});
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

namespace {

std::vector<at::Tensor> trained(const ParameterPlan& plan) {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : plan.parameters) {
    if (parameter.status == Status::kTrained) tensors.push_back(parameter.tensor);
  }
  return tensors;
}

}  // namespace

Trainer::Trainer(Session& session, TrainingEvents& events, distributed::Group& group)
    : session_(session),
      events_(events),
      group_(group),
      plan_(plan_of(session)),
      gradient_sum_(group, trained(plan_)),
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
  // Otherwise the heap grows to what the layers would have kept.
  if (config.activation_checkpointing) platform::return_large_blocks();
  std::vector<MixedTask> mixed;
  for (const auto& task : session.tasks) {
    sets_.push_back(training_set_of(session, task));
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

void Trainer::commit_debiasing() {
  for (const auto& debiasing : debiasing_) {
    if (debiasing) debiasing->commit();
  }
}

bool Trainer::has_enough() const {
  const auto patience = session_.suite.evaluation.patience;
  return patience > 0 && evaluations_since_best_ >= patience;
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

bool Trainer::is_checkpoint_due() const {
  const auto every = session_.suite.checkpoints.every;
  return every > 0 && result_.steps % every == 0;
}

bool Trainer::is_comparison_due() const { return comparison_every_ > 0 && result_.steps % comparison_every_ == 0; }

std::vector<double> Trainer::factors() const {
  auto turn = turns_.begin();
  while (std::next(turn) != turns_.end() && std::next(turn)->begin <= result_.steps) ++turn;
  const auto step = result_.steps - turn->begin;
  std::vector<double> factors = {turn->encoder.factor(step)};
  for (const auto& schedule : turn->heads) factors.push_back(schedule.factor(step));
  return factors;
}

// step: from 0.
std::vector<std::size_t> Trainer::tasks_of_step(std::int64_t step) const {
  if (!order_.empty()) return {order_[static_cast<std::size_t>(step)]};
  std::vector<std::size_t> all(session_.tasks.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

StepEvent Trainer::train_step() {
  const auto tasks = tasks_of_step(result_.steps);
  if (unfreezing_) unfreezing_->set(result_.steps);
  for (const auto task : tasks) keep_hidden(task);

  RECORD_USER_SCOPE(kStepScope);
  const auto start = std::chrono::steady_clock::now();
  const auto rates = factors();
  StepEvent event;
  event.step = ++result_.steps;

  double scale = 1;  // of the gradients that stand in the parameters
  bool any_counted = false;
  std::vector<std::pair<std::size_t, double>> losses;
  for (const auto task : tasks) {
    const auto part = run_part(task, sets_[task]->at(task_steps_[task]++), Purpose::kStep);
    const double weight = weights_.weight(task);
    scale = part.count > 0 ? weight / part.count : 0;
    if (tasks.size() > 1) gradients_.take(scale);
    const double loss = part.count > 0 ? part.sum / part.count : 0;
    event.tasks.push_back({task, loss, part.count > 0, weight});
    if (part.count > 0) losses.emplace_back(task, loss);
    any_counted |= part.count > 0;
    event.examples += part.examples;
    event.tokens += part.tokens;
  }
  std::optional<Matrix> compared;
  if (tasks.size() > 1) {
    compared = combine(tasks);
    scale = 1;
  }
  if (any_counted) {
    event.gradient_norm = optimizer_.step(scale, session_.suite.training.clip_norm, rates).norm;
    if (!std::isfinite(event.gradient_norm)) {
      const auto owner = tasks.size() > 1 ? "all tasks" : session_.tasks[tasks.front()].task.owner();
      throw NotFinite(fmt::format("step {}, {}: the gradient's norm is {}", event.step, owner, event.gradient_norm),
                      "gradient", places_of(tasks));
    }
    if (lora_) lora_->merge();
    weights_.learn(losses, rates.front());
    const bool may_read_words = !unfreezing_ || session_.encoder.word_embeddings().requires_grad();
    for (const auto& [task, loss] : losses) has_learned_[task] = may_read_words;
  }
  if (average_ && event.step > averaged_from_) {
    optimizer_.settle();
    average_->add();
  }
  steps_learned_ = event.step;
  task_steps_learned_ = task_steps_;
  has_compared_ = has_evaluated_ = false;
  was_left_out_ = false;
  if (session_.suite.training.not_finite == suite::NotFinite::kSkip) troubles_ = 0;
  commit_debiasing();
  if (compared) events_.compared({event.step, *compared});
  result_.training_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result_.examples += event.examples;
  result_.tokens += event.tokens;
  event.total_examples = result_.examples;
  event.total_steps = total_steps_;
  event.epoch = epoch();
  event.rate = session_.suite.optimizer.rate * rates.front();
  event.training_seconds = result_.training_seconds;
  return event;
}

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

// Puts the gradients of a step's tasks together, by surgery where the suite asks for it. Their cosines, where these are
// due.
std::optional<Matrix> Trainer::combine(const std::vector<std::size_t>& tasks) {
  std::optional<Matrix> compared;
  std::vector<double> weights(tasks.size(), 1);
  const bool is_due = is_comparison_due();
  if (session_.suite.mixing.surgery || is_due) {
    const auto products = gradients_.products();
    if (is_due) compared = cosines(products);
    if (session_.suite.mixing.surgery) {
      Random random(stream_seed(session_.suite.training.seed, "surgery", {static_cast<std::uint64_t>(result_.steps)}));
      weights = surgery_weights(products, random);
    }
  }
  gradients_.put_back(weights);
  return compared;
}

Trainer::Part Trainer::run_part(std::size_t index, const std::vector<MicroBatch>& batches, Purpose purpose) {
  auto& task = session_.tasks[index];
  task.head->train();
  const auto name = hash_name(purpose == Purpose::kStep ? "step" : "compare");
  Part part;
  for (std::size_t m = 0; m < batches.size() && !part.not_finite; ++m) {
    const auto draw = mix(
        {hash_name(task.task.name()), name, static_cast<std::uint64_t>(result_.steps), static_cast<std::uint64_t>(m)});
    const auto own = own_part(sets_[index]->data().store, batches[m], group_);
    // A head may read the word embeddings as well. If it does, its first gradient says so, and nothing waits any more.
    if (!has_learned_[index]) optimizer_.settle();
    optimizer_.read_rows(own.whole_ids);
    if (!own.batch) continue;
    part.micro_batch = m;
    part.is_last = m + 1 == batches.size();
    run_micro_batch({index, *own.batch, own.features, draw, own.before}, purpose, part);
  }
  if (!part.is_joined) join(index, part);
  if (part.not_finite) {
    const auto* where = purpose == Purpose::kStep ? "" : " in a batch for comparing tasks' gradients";
    throw NotFinite(fmt::format("step {}, {}: the loss{} is {}", result_.steps, task.task.owner(), where, part.sum),
                    "loss", sets_[index]->data().places_of(batches[*part.not_finite]));
  }
  if (lora_) lora_->take_gradients();
  gradient_sum_.finish(index);
  return part;
}

// Adds its gradients to the parameters'. Nothing but the sum, where the loss is no number.
void Trainer::run_micro_batch(const Learner::Work& work, Purpose purpose, Part& part) {
  std::optional<finetuning::Mixout::Mixed> mixed;
  if (mixout_) mixed.emplace(*mixout_, work.draw);
  if (debiasing_[work.task] && purpose == Purpose::kStep) debiasing_[work.task]->begin_micro_batch();
  const Loss loss = learner_.loss(work);
  const auto value = loss.sum.item<double>();
  if (!std::isfinite(value)) {
    part.sum = value;
    part.not_finite = part.micro_batch;
    return;
  }
  part.sum += value;
  part.count += loss.count;
  part.examples += work.batch.size();
  part.tokens += work.batch.tokens();
  if (part.is_last) join(work.task, part);
  if (part.not_finite) return;  // in another process
  learner_.learn(work, loss);
  if (mixed) mixed->take_gradients();
}

// The time that it takes is training's.
void Trainer::keep_hidden(std::size_t task) {
  const auto start = std::chrono::steady_clock::now();
  caches_.keep_train(task, passes_[task]);
  result_.training_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Where a step trains one task: a batch of every task on the weights as they are, for its gradient alone.
void Trainer::compare_gradients() {
  for (std::size_t task = 0; task < session_.tasks.size(); ++task) {
    keep_hidden(task);
    const auto batches = sets_[task]->at(task_steps_[task]);  // the ones that would come next
    const auto part = run_part(task, {batches.front()}, Purpose::kComparison);
    gradients_.take(part.count > 0 ? 1 / part.count : 0);
  }
  commit_debiasing();
  events_.compared({result_.steps, cosines(gradients_.products())});
  gradients_.clear();
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

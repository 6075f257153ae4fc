// A Trainer's step: batches of one task or of all, their gradients, and the update.
#include <ATen/record_function.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/training/batch_part.h"
#include "core/training/random.h"
#include "core/training/trainer.h"

namespace berth::training {

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

void Trainer::commit_debiasing() {
  for (const auto& debiasing : debiasing_) {
    if (debiasing) debiasing->commit();
  }
}

}  // namespace berth::training

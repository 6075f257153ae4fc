#include "core/training/task_weights.h"

#include <cmath>

namespace berth::training {

TaskWeights::TaskWeights(const suite::Suite& suite)
    : is_learned_(suite.mixing.weights == suite::WeightKind::kUncertainty),
      rate_(suite.mixing.weight_rate),
      log_variances_(suite.tasks.size()) {
  for (const auto& task : suite.tasks) fixed_.push_back(task.weight);
}

double TaskWeights::weight(std::size_t task) const { return fixed_[task] * std::exp(-log_variances_[task].value); }

void TaskWeights::learn(const std::vector<std::pair<std::size_t, double>>& losses, double schedule_factor) {
  if (!is_learned_) return;
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  for (const auto& [task, loss] : losses) {
    auto& s = log_variances_[task];
    const double gradient = 0.5 - std::exp(-s.value) * loss;
    ++s.steps;
    s.mean += (1 - kBeta1) * (gradient - s.mean);
    s.square += (1 - kBeta2) * (gradient * gradient - s.square);
    const double mean = s.mean / (1 - std::pow(kBeta1, static_cast<double>(s.steps)));
    const double square = s.square / (1 - std::pow(kBeta2, static_cast<double>(s.steps)));
    s.value -= rate_ * schedule_factor * mean / (std::sqrt(square) + kEpsilon);
  }
}

void TaskWeights::save(TrainingState& state) const {
  std::vector<double> numbers;
  for (const auto& s : log_variances_) {
    numbers.insert(numbers.end(), {s.value, s.mean, s.square, static_cast<double>(s.steps)});
  }
  state.put("task weights", numbers);
}

void TaskWeights::load(const TrainingState& state) {
  const auto numbers = state.reals("task weights", 4 * log_variances_.size());
  auto next = numbers.begin();
  for (auto& s : log_variances_) {
    s.value = *next++;
    s.mean = *next++;
    s.square = *next++;
    s.steps = static_cast<std::int64_t>(*next++);
  }
}

}  // namespace berth::training

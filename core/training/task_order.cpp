#include "core/training/task_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/training/random.h"

namespace berth::training {
namespace {

using Shares = std::vector<double>;

std::int64_t sum_of_steps(const std::vector<MixedTask>& tasks) {
  return std::accumulate(tasks.begin(), tasks.end(), std::int64_t{0},
                         [](std::int64_t sum, const MixedTask& task) { return sum + task.steps_per_epoch; });
}

std::vector<std::size_t> proportional(const std::vector<MixedTask>& tasks, const OrderOptions& options) {
  std::vector<std::size_t> order;
  for (std::uint64_t epoch = 0; static_cast<std::int64_t>(order.size()) < options.total_steps; ++epoch) {
    std::vector<std::size_t> steps;
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      steps.insert(steps.end(), static_cast<std::size_t>(tasks[task].steps_per_epoch), task);
    }
    if (options.shuffle) Random(mix({options.seed, hash_name("tasks"), epoch})).shuffle(steps);
    order.insert(order.end(), steps.begin(), steps.end());
  }
  order.resize(static_cast<std::size_t>(options.total_steps));
  return order;
}

// Each task gets the part of the steps that its epochs would take.
std::vector<std::size_t> sequential(const std::vector<MixedTask>& tasks, std::int64_t total_steps) {
  std::vector<std::size_t> order;
  const auto all = static_cast<double>(sum_of_steps(tasks));
  std::int64_t before = 0;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    before += tasks[task].steps_per_epoch;
    const double end = static_cast<double>(before) / all * static_cast<double>(total_steps);
    order.resize(static_cast<std::size_t>(std::llround(end)), task);
  }
  return order;
}

// "Multi-task mixing": the larger the temperature, the more alike the shares; 1 is in proportion to size (Arivazhagan
// et al. 2019; Raffel et al. 2020).
Shares tempered(const std::vector<MixedTask>& tasks, double temperature) {
  std::int64_t largest = 1;
  for (const auto& task : tasks) largest = std::max(largest, task.size);
  Shares shares;
  for (const auto& task : tasks) {
    shares.push_back(std::pow(static_cast<double>(task.size) / static_cast<double>(largest), 1 / temperature));
  }
  return shares;
}

Shares phase_shares(const suite::MixingConfig& config, const std::vector<MixedTask>& tasks, std::int64_t step) {
  std::size_t phase = 0;
  for (std::int64_t end = config.phases[0].steps; phase + 1 < config.phases.size() && step >= end;) {
    end += config.phases[++phase].steps;
  }
  Shares shares;
  for (const auto& task : tasks) {
    const auto found = config.phases[phase].shares.find(task.name);
    shares.push_back(found == config.phases[phase].shares.end() ? 0 : found->second);
  }
  return shares;
}

Shares shares_at(const suite::MixingConfig& config, const std::vector<MixedTask>& tasks, std::int64_t step,
                 std::int64_t total_steps) {
  if (config.kind == suite::MixingKind::kUniform) return Shares(tasks.size(), 1.0);
  if (config.kind == suite::MixingKind::kPhases) return phase_shares(config, tasks, step);
  const double progress = total_steps > 1 ? static_cast<double>(step) / static_cast<double>(total_steps - 1) : 0;
  const double end = config.final_temperature.value_or(config.temperature);
  return tempered(tasks, config.temperature + (end - config.temperature) * progress);
}

std::size_t draw(const Shares& shares, double uniform) {
  double left = uniform * std::accumulate(shares.begin(), shares.end(), 0.0);
  std::size_t last = 0;  // with a share above 0
  for (std::size_t task = 0; task < shares.size(); ++task) {
    if (shares[task] <= 0) continue;
    last = task;
    left -= shares[task];
    if (left < 0) break;
  }
  return last;
}

}  // namespace

std::int64_t steps_per_epoch(const suite::MixingConfig& config, const std::vector<MixedTask>& tasks) {
  if (std::any_of(tasks.begin(), tasks.end(), [](const auto& task) { return task.steps_per_epoch == 0; })) return 0;
  if (config.step == suite::StepKind::kOneTask) return sum_of_steps(tasks);
  std::int64_t most = 0;
  for (const auto& task : tasks) most = std::max(most, task.steps_per_epoch);
  return most;
}

std::vector<std::size_t> task_order(const suite::MixingConfig& config, const std::vector<MixedTask>& tasks,
                                    const OrderOptions& options) {
  if (tasks.size() == 1) return std::vector<std::size_t>(static_cast<std::size_t>(options.total_steps), 0);
  switch (config.kind) {
    case suite::MixingKind::kProportional:
      return proportional(tasks, options);
    case suite::MixingKind::kSequential:
      return sequential(tasks, options.total_steps);
    case suite::MixingKind::kUniform:
    case suite::MixingKind::kTemperature:
    case suite::MixingKind::kRoundRobin:
    case suite::MixingKind::kPhases:
      break;
  }
  std::vector<std::size_t> order;
  for (std::int64_t step = 0; step < options.total_steps; ++step) {
    if (config.kind == suite::MixingKind::kRoundRobin) {
      order.push_back(static_cast<std::size_t>(step) % tasks.size());
      continue;
    }
    Random random(mix({options.seed, hash_name("tasks"), static_cast<std::uint64_t>(step)}));
    order.push_back(draw(shares_at(config, tasks, step, options.total_steps), random.uniform()));
  }
  return order;
}

}  // namespace berth::training

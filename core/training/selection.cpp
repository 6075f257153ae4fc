#include "core/training/selection.h"

#include <cmath>

namespace berth::training {

Selection::Goodness Selection::goodness(const DevEvaluations& dev) const {
  const bool is_task = select_by_ != "mean" && select_by_ != "each";
  std::size_t count = 0;
  double sum = 0;
  for (const auto& [name, evaluation] : dev) {
    if (is_task && name != select_by_) continue;
    const double goodness = evaluation::goodness(evaluation.primary());
    if (!std::isfinite(goodness)) continue;
    sum += goodness;
    ++count;
  }
  return {count, count > 0 ? sum / static_cast<double>(count) : 0};
}

Selection::Verdict Selection::judge(const DevEvaluations& dev) {
  Verdict verdict;
  const auto now = goodness(dev);
  if (dev.empty() || !best_ || now > *best_) {
    verdict.is_best = true;
    best_ = now;
  }
  if (select_by_ != "each") return verdict;
  for (const auto& [name, evaluation] : dev) {
    const double score = evaluation::goodness(evaluation.primary());
    const auto [best, is_first] = task_best_.try_emplace(name, score);
    if (!is_first && score <= best->second) continue;
    best->second = score;
    verdict.best_tasks.push_back(name);
  }
  return verdict;
}

void Selection::save(TrainingState& state) const {
  if (best_) state.put("best", std::vector<double>{static_cast<double>(best_->first), best_->second});
  for (const auto& [task, score] : task_best_) state.put("best/" + task, std::vector<double>{score});
}

void Selection::load(const TrainingState& state, const std::vector<std::string>& tasks) {
  best_.reset();
  task_best_.clear();
  if (state.has("best")) {
    const auto best = state.reals("best", 2);
    best_ = {static_cast<std::size_t>(best[0]), best[1]};
  }
  for (const auto& task : tasks) {
    if (state.has("best/" + task)) task_best_[task] = state.reals("best/" + task, 1).front();
  }
}

}  // namespace berth::training

#include "core/training/selection.h"

namespace berth::training {

double Selection::goodness(const DevEvaluations& dev) const {
  if (const auto task = dev.find(select_by_); task != dev.end()) return evaluation::goodness(task->second.primary());
  double sum = 0;
  for (const auto& [name, evaluation] : dev) sum += evaluation::goodness(evaluation.primary());
  return dev.empty() ? 0 : sum / static_cast<double>(dev.size());
}

Selection::Verdict Selection::judge(const DevEvaluations& dev) {
  Verdict verdict;
  const double now = goodness(dev);
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

}  // namespace berth::training

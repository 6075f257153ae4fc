// Which evaluation is the best so far: of the suite as a whole, or of each task by itself.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/evaluation/evaluator.h"
#include "core/training/training_state.h"

namespace berth::training {

// Evaluations of the dev sets at one step, by task.
using DevEvaluations = std::map<std::string, evaluation::Evaluation>;

class Selection {
 public:
  // select_by: "mean" of the tasks' primary scores, "each", or a task's name; see [evaluation].
  explicit Selection(std::string select_by) : select_by_(std::move(select_by)) {}

  struct Verdict {
    bool is_best = false;                 // of the whole; without any dev set every evaluation is
    std::vector<std::string> best_tasks;  // that are at their own best; only with "each"
    bool is_progress() const { return is_best || !best_tasks.empty(); }
  };

  // Takes an evaluation into account.
  Verdict judge(const DevEvaluations& dev);

  // What was best so far. tasks: of the suite.
  void save(TrainingState& state) const;
  void load(const TrainingState& state, const std::vector<std::string>& tasks);

 private:
  // How many tasks have a score at all, then how good it is: one that is not defined (a correlation with a constant,
  // say) neither decides nor hides what the others do.
  using Goodness = std::pair<std::size_t, double>;
  Goodness goodness(const DevEvaluations& dev) const;

  std::string select_by_;
  std::optional<Goodness> best_;
  std::map<std::string, double> task_best_;
};

}  // namespace berth::training

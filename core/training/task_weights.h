// What each task's loss weighs: fixed by the suite, or learned by uncertainty.
//
// Learned (Kendall, Gal & Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses", in the form for
// classification): with s = log sigma^2 of a task, its loss L becomes exp(-s) L + s / 2, and s is trained along, from 0
// on. A task whose loss stays high so gets less weight. Fixed weights multiply the learned ones, and are no part of
// what s is trained on: it would settle where it cancels them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/suite/suite.h"
#include "core/training/training_state.h"

namespace berth::training {

class TaskWeights {
 public:
  explicit TaskWeights(const suite::Suite& suite);

  // The factor on the task's mean loss.
  double weight(std::size_t task) const;

  // After a step: the mean loss of each task that was in it. Moves learned weights by Adam at mixing.weight_rate times
  // schedule_factor; does nothing to fixed ones.
  void learn(const std::vector<std::pair<std::size_t, double>>& losses, double schedule_factor);

  // The learned ones.
  void save(TrainingState& state) const;
  void load(const TrainingState& state);

  bool is_learned() const { return is_learned_; }

 private:
  // A scalar with its moments (Kingma & Ba 2015).
  struct LogVariance {
    double value = 0;
    double mean = 0;
    double square = 0;
    std::int64_t steps = 0;
  };

  bool is_learned_;
  double rate_;
  std::vector<double> fixed_;
  std::vector<LogVariance> log_variances_;
};

}  // namespace berth::training

// The mean of the weights of many steps in place of the last step's (stochastic weight averaging: Izmailov et al. 2018,
// "Averaging Weights Leads to Wider Optima and Better Generalization", algorithm 1, with a cycle of one step). Called
// by the trainer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/training/parameter_plan.h"
#include "core/training/training_state.h"

namespace berth::finetuning {

class WeightAverage {
 public:
  // Of all that the plan changes: what is trained, and what is adapted as it stands with its update.
  explicit WeightAverage(const training::ParameterPlan& plan);

  // Takes the weights as they are now into the mean.
  void add();

  // The last step's weights; the mean is in the parameters' place then. And back: with the mean in the parameters'
  // place, which the last step's weights take.
  void save(training::TrainingState& state) const;
  void load(const training::TrainingState& state);

  // The mean, in the parameters' place until this is destroyed. Does nothing where the mean is of nothing, or is in
  // place already.
  class Placed {
   public:
    explicit Placed(WeightAverage& average);
    ~Placed();
    Placed(const Placed&) = delete;
    Placed& operator=(const Placed&) = delete;

   private:
    WeightAverage* average_ = nullptr;
  };

 private:
  struct Weight {
    std::string name;
    at::Tensor parameter, mean;
  };

  void swap();

  std::vector<Weight> weights_;
  std::int64_t count_ = 0;
  bool is_in_place_ = false;
};

}  // namespace berth::finetuning

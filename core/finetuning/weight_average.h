// The mean of the weights of many steps in place of the last step's (stochastic weight averaging: Izmailov et al. 2018,
// "Averaging Weights Leads to Wider Optima and Better Generalization", algorithm 1, with a cycle of one step). Called
// by the trainer.
#pragma once

#include <cstdint>
#include <vector>

#include "core/training/parameter_plan.h"

namespace berth::finetuning {

class WeightAverage {
 public:
  // Of all that the plan changes: what is trained, and what is adapted as it stands with its update.
  explicit WeightAverage(const training::ParameterPlan& plan);

  // Takes the weights as they are now into the mean.
  void add();

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
    at::Tensor parameter, mean;
  };

  void swap();

  std::vector<Weight> weights_;
  std::int64_t count_ = 0;
  bool is_in_place_ = false;
};

}  // namespace berth::finetuning

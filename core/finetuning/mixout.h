// Mixout (Lee, Cho & Kang 2020, "Mixout: Effective Regularization to Finetune Large-scale Pretrained Language Models",
// equation 5): for a micro-batch, each number of a weight W is replaced, with probability p, by its pre-trained value
// W0, and the rest is scaled so that W is the mean: W0 + kept (W - W0) / (1 - p). Of the matrices of layers and pooler
// that learn, as in the paper. Called by the trainer.
#pragma once

#include <cstdint>
#include <vector>

#include "core/training/parameter_plan.h"

namespace berth::finetuning {

class Mixout {
 public:
  // Takes the weights as they are now for the pre-trained ones. probability: in [0, 1).
  Mixout(const training::ParameterPlan& plan, double probability, std::uint64_t seed);

  // The mixed weights, in the parameters' place until this is destroyed. The mixout must outlive it.
  class Mixed {
   public:
    Mixed(const Mixout& mixout, std::uint64_t draw);
    ~Mixed();
    Mixed(const Mixed&) = delete;
    Mixed& operator=(const Mixed&) = delete;

    // Makes gradients of W of those that a backward pass left of the mixed weights: times kept / (1 - p). To be called
    // once; gradients from before this was made are left as they are.
    void take_gradients();

   private:
    struct Part {
      at::Tensor parameter, own, factor, gradient_before;
    };
    std::vector<Part> parts_;
  };

 private:
  struct Weight {
    at::Tensor parameter, start;
  };

  std::vector<Weight> weights_;
  double probability_;
  std::uint64_t seed_;
};

}  // namespace berth::finetuning

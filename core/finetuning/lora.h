// Low-rank adaptation (Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", section 4.1): a weight W0
// stays, and learns an update of low rank, W = W0 + (alpha / rank) B A. Here the sum stands in the encoder's own tensor
// at all times, so that everything that reads the encoder (kernels, evaluation, checkpoints, export) sees a merged
// model and runs at its usual speed. Called by the trainer.
#pragma once

#include <vector>

#include "core/training/parameter_plan.h"

namespace berth::finetuning {

class Lora {
 public:
  // Of the plan's adapters; takes their weights as they are now for W0. rank: of all of them.
  Lora(const training::ParameterPlan& plan, std::int64_t rank, double alpha);

  // Turns the gradients that stand in the weights (G) into those of the matrices, and clears them there: the chain rule
  // gives s G A^T for B and s B^T G for A, where s = alpha / rank.
  void take_gradients() const;

  // The sum anew, after an update of the matrices.
  void merge() const;

 private:
  struct Part {
    training::Adapter adapter;
    at::Tensor start;  // W0
  };

  std::vector<Part> parts_;
  double scale_ = 1;
};

}  // namespace berth::finetuning

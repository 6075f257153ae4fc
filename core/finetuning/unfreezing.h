// Gradual unfreezing (Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
// section 3.3): at first only heads and pooler learn, then the last layer as well, then the one below, and at last the
// embeddings. Called by the trainer.
#pragma once

#include <cstdint>
#include <vector>

#include "core/training/parameter_plan.h"

namespace berth::finetuning {

class Unfreezing {
 public:
  // Of what the plan trains. steps: until everything learns, in equal parts for each layer.
  Unfreezing(const training::ParameterPlan& plan, std::int64_t layers, std::int64_t steps);

  // Lets learn what learns in this step, counted from 0, and nothing else.
  void set(std::int64_t step) const;

 private:
  struct Part {
    at::Tensor parameter;
    std::int64_t begin = 0;
  };
  std::vector<Part> parts_;
};

}  // namespace berth::finetuning

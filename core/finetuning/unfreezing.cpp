#include "core/finetuning/unfreezing.h"

#include "core/training/parameter_patterns.h"

namespace berth::finetuning {

Unfreezing::Unfreezing(const training::ParameterPlan& plan, std::int64_t layers, std::int64_t steps) {
  for (const auto& p : plan.parameters) {
    if (p.status != training::Status::kTrained || p.is_head()) continue;
    std::int64_t turn = 0;
    if (const auto layer = training::layer_of(p.name); layer >= 0) {
      turn = layers - layer;
    } else if (p.group == "embeddings") {
      turn = layers + 1;
    }
    parts_.push_back({p.tensor, steps * turn / (layers + 1)});
  }
}

void Unfreezing::set(std::int64_t step) const {
  for (const auto& [parameter, begin] : parts_) parameter.set_requires_grad(step >= begin);
}

}  // namespace berth::finetuning

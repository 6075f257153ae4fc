#include "core/finetuning/weight_average.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "core/model/chunks.h"

namespace berth::finetuning {

WeightAverage::WeightAverage(const training::ParameterPlan& plan) {
  for (const auto& p : plan.parameters) {
    if (p.has_gradient() && !p.is_adapter()) weights_.push_back({p.name, p.tensor, at::zeros_like(p.tensor)});
  }
}

void WeightAverage::add() {
  const at::NoGradGuard no_grad;
  ++count_;
  for (const auto& [name, parameter, mean] : weights_) mean.lerp_(parameter, 1 / static_cast<double>(count_));
}

void WeightAverage::swap() {
  const at::NoGradGuard no_grad;
  is_in_place_ = !is_in_place_;
  for (const auto& [name, parameter, mean] : weights_) {
    if (!parameter.is_cpu()) {
      const at::Tensor own = parameter.detach().clone();
      parameter.copy_(mean);
      mean.copy_(own);
      continue;
    }
    model::for_type(parameter, [&parameter = parameter, &mean = mean](auto tag) {
      using T = decltype(tag);
      auto* numbers = parameter.data_ptr<T>();
      std::swap_ranges(numbers, numbers + parameter.numel(), mean.data_ptr<T>());
    });
  }
}

void WeightAverage::save(training::TrainingState& state) const {
  state.put("average/steps", std::vector<std::int64_t>{count_});
  if (count_ == 0) return;
  for (const auto& [name, parameter, mean] : weights_) state.put("average/" + name, mean);
}

void WeightAverage::load(const training::TrainingState& state) {
  const at::NoGradGuard no_grad;
  count_ = state.integers("average/steps", 1).front();
  for (const auto& [name, parameter, mean] : weights_) {
    if (count_ == 0) {
      mean.zero_();
      continue;
    }
    mean.copy_(parameter);
    state.copy_to(parameter, "average/" + name);
  }
}

WeightAverage::Placed::Placed(WeightAverage& average) {
  if (average.count_ == 0 || average.is_in_place_) return;
  average_ = &average;
  average_->swap();
}

WeightAverage::Placed::~Placed() {
  if (average_ != nullptr) average_->swap();
}

}  // namespace berth::finetuning

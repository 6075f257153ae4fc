#include "core/finetuning/lora.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

#include <utility>

namespace berth::finetuning {
namespace {

void add_gradient(const at::Tensor& parameter, const at::Tensor& gradient) {
  auto& sum = parameter.mutable_grad();
  sum = sum.defined() ? sum + gradient : gradient;
}

}  // namespace

Lora::Lora(const training::ParameterPlan& plan, std::int64_t rank, double alpha)
    : scale_(alpha / static_cast<double>(rank)) {
  for (const auto& adapter : plan.adapters) parts_.push_back({adapter, adapter.tensor.detach().clone()});
}

void Lora::take_gradients() const {
  const at::NoGradGuard no_grad;
  for (const auto& [adapter, start] : parts_) {
    const at::Tensor gradient = std::exchange(adapter.tensor.mutable_grad(), {});
    if (!gradient.defined()) continue;
    add_gradient(adapter.b, at::mm(gradient, adapter.a.t()).mul_(scale_));
    add_gradient(adapter.a, at::mm(adapter.b.t(), gradient).mul_(scale_));
  }
}

void Lora::merge() const {
  const at::NoGradGuard no_grad;
  for (const auto& [adapter, start] : parts_) {
    adapter.tensor.copy_(at::addmm(start, adapter.b, adapter.a, 1, scale_));
  }
}

}  // namespace berth::finetuning

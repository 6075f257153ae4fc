#include "core/finetuning/mixout.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <utility>

#include "core/model/chunks.h"
#include "core/model/dropout.h"

namespace berth::finetuning {
namespace {

constexpr std::int64_t kChunk = 1 << 16;

// What is kept, times 1 / (1 - p): like `weight`, in its type. Drawn on the processor: the same on any device.
at::Tensor draw_factor(const at::Tensor& weight, const model::DropoutRun& dropout) {
  const at::Tensor kept = at::empty(weight.sizes(), at::kByte);
  auto* bytes = kept.data_ptr<std::uint8_t>();
  model::for_chunks(kept.numel(), kChunk, [&](std::int64_t, std::int64_t first, std::int64_t count) {
    model::dropout_mask(bytes + first, first, count, dropout);
  });
  return kept.to(weight.options()).mul_(dropout.kept_factor());
}

}  // namespace

Mixout::Mixout(const training::ParameterPlan& plan, double probability, std::uint64_t seed)
    : probability_(probability), seed_(seed) {
  for (const auto& p : plan.parameters) {
    const bool is_mixed =
        p.status == training::Status::kTrained && p.tensor.dim() == 2 && !p.is_head() && p.group != "embeddings";
    if (is_mixed) weights_.push_back({p.tensor, p.tensor.detach().clone()});
  }
}

Mixout::Mixed::Mixed(const Mixout& mixout, std::uint64_t draw) {
  const at::NoGradGuard no_grad;
  parts_.reserve(mixout.weights_.size());
  std::uint32_t place = 0;
  for (const auto& [parameter, start] : mixout.weights_) {
    const at::Tensor factor = draw_factor(parameter, {mixout.probability_, {mixout.seed_, draw}, place++});
    parts_.push_back({parameter, parameter.detach().clone(), factor, {}});
  }
  // Nothing is changed before there is memory for all of it.
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    auto& part = parts_[i];
    part.gradient_before = std::exchange(part.parameter.mutable_grad(), {});
    part.parameter.sub_(mixout.weights_[i].start).mul_(part.factor).add_(mixout.weights_[i].start);
  }
}

Mixout::Mixed::~Mixed() {
  const at::NoGradGuard no_grad;
  for (const auto& part : parts_) part.parameter.copy_(part.own);
}

void Mixout::Mixed::take_gradients() {
  const at::NoGradGuard no_grad;
  for (auto& part : parts_) {
    auto& gradient = part.parameter.mutable_grad();
    if (gradient.defined()) gradient = gradient.mul(part.factor);
    auto& before = part.gradient_before;
    if (before.defined()) gradient = gradient.defined() ? gradient.add_(before) : before;
  }
}

}  // namespace berth::finetuning

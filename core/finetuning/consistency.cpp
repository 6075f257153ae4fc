#include "core/finetuning/consistency.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <limits>

#include "core/device/device.h"

namespace berth::finetuning {
namespace {

constexpr double kStep = 100;  // of the ascent, in radii

}  // namespace

at::Tensor symmetric_divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  return ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(1);
}

Loss r_drop(const Answer& first, const Answer& second, double weight) {
  Loss loss;
  const at::Tensor divergence = symmetric_divergence(first.log_p, second.log_p).sum();
  loss.sum = (first.loss.sum + second.loss.sum) / 2 + weight / 2 * divergence;
  loss.count = first.loss.count;
  return loss;
}

at::Tensor smart_start(const at::Tensor& hidden, double radius, std::uint64_t seed) {
  at::Tensor noise = at::empty(hidden.sizes(), hidden.scalar_type());  // drawn on the processor: the same on any device
  noise.normal_(0, radius, at::make_generator<at::CPUGeneratorImpl>(seed));
  return device::copy_to(noise, hidden.device()).set_requires_grad(true);
}

at::Tensor smart_ascent(const at::Tensor& move, const at::Tensor& gradient, double radius) {
  const at::NoGradGuard no_grad;
  const at::Tensor largest = gradient.abs().amax(1, true).clamp_min(std::numeric_limits<float>::min());
  return (move + kStep * radius * gradient / largest).clamp(-radius, radius);
}

}  // namespace berth::finetuning

#include "core/debias/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softmax.h>

namespace berth::debias {
namespace {

at::Tensor of_targets(const at::Tensor& rows, const at::Tensor& targets) {
  return rows.gather(1, targets.unsqueeze(1)).squeeze(1);
}

}  // namespace

at::Tensor product_of_experts(const at::Tensor& log_p, const at::Tensor& log_b, const at::Tensor& targets) {
  return of_targets(at::log_softmax(log_p + log_b, 1), targets).neg();
}

at::Tensor learned_mixin(const MixinTerms& terms) {
  const at::Tensor scaled = terms.gate.unsqueeze(1) * terms.log_b;
  const at::Tensor log_bias = at::log_softmax(scaled, 1);
  const at::Tensor entropy = (log_bias.exp() * log_bias).sum(1).neg();
  return product_of_experts(terms.log_p, scaled, terms.targets) + terms.entropy * entropy;
}

at::Tensor bias_weights(const at::Tensor& log_b, const at::Tensor& targets) {
  const at::Tensor weights = of_targets(log_b, targets).expm1().neg();
  return weights / weights.mean();
}

at::Tensor confidence_targets(const at::Tensor& log_teacher, const at::Tensor& log_b, const at::Tensor& targets) {
  const at::Tensor power = of_targets(log_b, targets).expm1().neg();
  return at::softmax(log_teacher * power.unsqueeze(1), 1);
}

at::Tensor soft_cross_entropy(const at::Tensor& log_p, const at::Tensor& soft_targets) {
  return (soft_targets * log_p).sum(1).neg();
}

}  // namespace berth::debias

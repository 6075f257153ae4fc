#include "core/training/adamw.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

namespace berth::training {

AdamW::AdamW(const ParameterPlan& plan, const suite::OptimizerConfig& config)
    : beta1_(config.beta1), beta2_(config.beta2), epsilon_(config.epsilon) {
  for (const auto& parameter : plan.parameters) {
    if (parameter.status != Status::kTrained) continue;
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const Group& g) {
      return g.rate == parameter.rate && g.weight_decay == parameter.weight_decay && g.schedule == parameter.schedule;
    });
    if (group == groups_.end()) {
      group = groups_.insert(group, {parameter.rate, parameter.weight_decay, parameter.schedule, {}});
    }
    group->slots.push_back({parameter.tensor, at::zeros_like(parameter.tensor), at::zeros_like(parameter.tensor),
                            at::zeros({}, at::kFloat)});
  }
}

GradientSummary AdamW::step(double scale, double clip_norm, const std::vector<double>& factors) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const auto& group : groups_) {
    for (const auto& slot : group.slots) {
      if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
    }
  }
  if (gradients.empty()) return {};
  GradientSummary summary;
  const auto norms = at::stack(at::_foreach_norm(gradients, 2));
  summary.norm = at::linalg_vector_norm(norms).item<double>() * scale;
  if (!std::isfinite(summary.norm)) return summary;

  // torch.nn.utils.clip_grad_norm_: the same 1e-6, the same bound of one.
  const double clip = clip_norm > 0 ? std::min(1.0, clip_norm / (summary.norm + 1e-6)) : 1.0;
  if (scale * clip != 1.0) at::_foreach_mul_(gradients, scale * clip);
  for (auto& group : groups_) update(group, factors.at(group.schedule));
  return summary;
}

void AdamW::update(Group& group, double factor) {
  std::vector<at::Tensor> parameters, gradients, means, variances, steps;
  for (auto& slot : group.slots) {
    if (!slot.parameter.grad().defined()) continue;
    parameters.push_back(slot.parameter);
    gradients.push_back(slot.parameter.grad());
    means.push_back(slot.mean);
    variances.push_back(slot.variance);
    slot.step.add_(1);
    steps.push_back(slot.step);
    slot.parameter.mutable_grad().reset();
  }
  if (parameters.empty()) return;
  at::_fused_adamw_(parameters, gradients, means, variances, /*max_exp_avg_sqs=*/{}, steps, group.rate * factor, beta1_,
                    beta2_, group.weight_decay, epsilon_, /*amsgrad=*/false,
                    /*maximize=*/false);
}

}  // namespace berth::training

#include "core/training/adamw_device.h"

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <map>
#include <tuple>

namespace berth::training {
namespace {

// What one launch has in common.
using Kind = std::tuple<double, double, std::int64_t, at::ScalarType>;

struct Lists {
  std::vector<at::Tensor> parameters, gradients, means, variances;
};

}  // namespace

double device_norm(const std::vector<at::Tensor>& gradients) {
  const at::Tensor norms = at::stack(at::_foreach_norm(gradients));
  return at::linalg_vector_norm(norms, 2, std::nullopt, /*keepdim=*/false, at::kDouble).item<double>();
}

void device_adamw(const std::vector<DeviceUpdate>& updates, const DeviceAdamW& settings) {
  std::map<Kind, Lists> launches;
  for (const auto& update : updates) {
    auto& lists = launches[{update.rate, update.weight_decay, update.step, update.parameter.scalar_type()}];
    lists.parameters.push_back(update.parameter);
    lists.gradients.push_back(update.gradient);
    lists.means.push_back(update.mean);
    lists.variances.push_back(update.variance);
  }
  for (auto& [kind, lists] : launches) {
    const auto& [rate, weight_decay, step, type] = kind;
    const auto number = at::TensorOptions().dtype(at::kFloat).device(lists.parameters.front().device());
    // float32 gradients are divided on the way; the operation's factor would be too coarse for others.
    std::optional<at::Tensor> divisor;
    if (type == at::kFloat) {
      divisor = at::full({}, 1 / settings.scale, number);
    } else {
      at::_foreach_mul_(lists.gradients, settings.scale);
    }
    const std::vector<at::Tensor> steps(lists.parameters.size(), at::full({}, static_cast<double>(step), number));
    at::_fused_adamw_(lists.parameters, lists.gradients, lists.means, lists.variances, {}, steps, rate, settings.beta1,
                      settings.beta2, weight_decay, settings.epsilon, /*amsgrad=*/false, /*maximize=*/false, divisor);
  }
}

}  // namespace berth::training

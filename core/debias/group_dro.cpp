#include "core/debias/group_dro.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <numeric>

namespace berth::debias {

GroupDro::GroupDro(const std::vector<std::int64_t>& sizes, double step_size, double adjustment)
    : weights_(sizes.size(), 1.0 / static_cast<double>(sizes.size())), step_size_(step_size) {
  for (const auto size : sizes) adjustments_.push_back(adjustment / std::sqrt(static_cast<double>(size)));
}

void GroupDro::move(const at::Tensor& values, const at::Tensor& groups) {
  const auto count = std::ssize(weights_);
  const at::Tensor losses = values.detach().to(at::kDouble);
  const at::Tensor sums = at::bincount(groups, losses, count);
  const at::Tensor sizes = at::bincount(groups, {}, count);
  for (std::int64_t g = 0; g < count; ++g) {
    const auto size = sizes[g].item<std::int64_t>();
    if (size == 0) continue;
    const auto i = static_cast<std::size_t>(g);
    const double loss = sums[g].item<double>() / static_cast<double>(size) + adjustments_[i];
    weights_[i] *= std::exp(step_size_ * loss);
  }
  const double sum = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  for (auto& weight : weights_) weight /= sum;
}

at::Tensor GroupDro::factors(const at::Tensor& values, const at::Tensor& groups) const {
  const at::Tensor sizes = at::bincount(groups, {}, std::ssize(weights_)).clamp_min(1).to(at::kDouble);
  const at::Tensor of_group = at::tensor(weights_, sizes.options()) * static_cast<double>(values.size(0)) / sizes;
  return of_group.index_select(0, groups).to(values.scalar_type());
}

}  // namespace berth::debias

// Numeric gradients, in float64: what autograd has to agree with.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace berth::testing {

// f: a scalar function of `inputs`, float64 leaves that require gradients. The largest difference between autograd's
// gradients and central differences.
inline double gradient_error(const std::function<at::Tensor()>& f, const std::vector<at::Tensor>& inputs) {
  constexpr double kStep = 1e-6;
  f().backward();
  double worst = 0;
  for (const at::Tensor& input : inputs) {
    const at::Tensor gradient = input.grad().contiguous();
    const at::NoGradGuard no_grad;
    auto* values = input.data_ptr<double>();
    for (std::int64_t i = 0; i < input.numel(); ++i) {
      const double value = values[i];
      values[i] = value + kStep;
      const double above = f().item<double>();
      values[i] = value - kStep;
      const double below = f().item<double>();
      values[i] = value;
      const double numeric = (above - below) / (2 * kStep);
      worst = std::max(worst, std::abs(numeric - gradient.const_data_ptr<double>()[i]));
    }
  }
  return worst;
}

}  // namespace berth::testing

// Numeric gradients, in float64: what autograd has to agree with.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace berth::testing {

// f: a scalar function of `inputs`, float64 leaves that require gradients. The largest difference between autograd's
// gradients and central differences. most: numbers looked at in each input, evenly spread over it.
inline double gradient_error(const std::function<at::Tensor()>& f, const std::vector<at::Tensor>& inputs,
                             std::int64_t most = std::numeric_limits<std::int64_t>::max()) {
  constexpr double kStep = 1e-6;
  f().backward();
  double worst = 0;
  for (const at::Tensor& input : inputs) {
    const at::Tensor gradient = input.grad().contiguous();
    const at::NoGradGuard no_grad;
    auto* values = input.data_ptr<double>();
    const std::int64_t stride = 1 + (input.numel() - 1) / most;
    for (std::int64_t i = 0; i < input.numel(); i += stride) {
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

// LayerNorm(residual + dropout(input + bias)), the end of both halves of a layer: forward and backward as plain
// functions, for autograd functions that span more than this.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/dropout.h"

namespace berth::model {

// Weights are [width]. epsilon is added to the variance.
struct NormWeights {
  at::Tensor scale, shift;
  double epsilon = 0;
};

enum class Keep : std::uint8_t { kNothing, kForBackward };

struct ResidualNorm {
  at::Tensor out;                // [rows, width]
  at::Tensor normal;             // [rows, width]: out before scale and shift; undefined with Keep::kNothing
  at::Tensor inverse_deviation;  // [rows]
};

// input, residual: [rows, width]; bias: [width]. input's memory becomes out's.
ResidualNorm residual_norm(const at::Tensor& input, const at::Tensor& bias, const at::Tensor& residual,
                           const NormWeights& weights, const DropoutRun& dropout, Keep keep);

struct ResidualNormGradients {
  at::Tensor residual, input;     // [rows, width]; one tensor where nothing is dropped
  at::Tensor bias, scale, shift;  // [width]
};

// kept: what residual_norm() returned; `out` is not read. Sums over rows are the same for any number of threads.
ResidualNormGradients residual_norm_backward(const at::Tensor& gradient, const ResidualNorm& kept,
                                             const NormWeights& weights, const DropoutRun& dropout);

}  // namespace berth::model

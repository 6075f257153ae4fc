// What the fused functions are held against, by LibTorch's operators and its autograd.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "core/model/dropout.h"

namespace berth::testing {

inline double difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

// Dropout with the mask that the fused functions draw.
inline at::Tensor masked(const at::Tensor& input, const model::DropoutRun& run) {
  if (run.p == 0) return input;
  const at::Tensor mask = at::empty(input.sizes(), at::kByte);
  model::dropout_mask(mask.data_ptr<std::uint8_t>(), 0, input.numel(), run);
  return input * mask.to(input.dtype()) / (1 - run.p);
}

// Of a weighted sum of `output`, by all of `inputs`.
inline std::vector<at::Tensor> gradients(const at::Tensor& output, const std::vector<at::Tensor>& inputs) {
  const at::Tensor weights = at::arange(output.numel(), output.options()).reshape(output.sizes()).sin();
  return torch::autograd::grad({(output * weights).sum()}, inputs);
}

}  // namespace berth::testing

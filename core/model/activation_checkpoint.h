// Activation checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): a part of the network
// of which a forward pass keeps the input alone; its backward computes that part once more and takes the gradients of
// it.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

namespace berth::model {

// compute(hidden), with autograd of hidden and parameters. compute: has to give the same bits both times, and is called
// the second time in backward, so that it has to own what it reads. parameters: all that learn of what it reads; to
// change one between forward and backward is an error there. No second derivative.
at::Tensor activation_checkpoint(const std::function<at::Tensor(const at::Tensor&)>& compute, const at::Tensor& hidden,
                                 at::TensorList parameters);

}  // namespace berth::model

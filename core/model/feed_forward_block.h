// The second half of a BERT layer: up, activation, down, dropout, residual and LayerNorm, as one autograd function. The
// activation's output is not kept but computed again in backward.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/config.h"
#include "core/model/products.h"
#include "core/model/residual_norm.h"

namespace berth::model {

struct FeedForwardWeights {
  at::Tensor up_weight, up_bias;      // [inner, width], [inner]
  at::Tensor down_weight, down_bias;  // [width, inner], [width]
  at::Tensor norm_scale, norm_shift;  // [width]
};

struct FeedForwardRun {
  Activation activation = Activation::kGelu;
  DropoutRun dropout;
  double epsilon = 0;
  Products products = Products::kOwnType;
};

// hidden: [rows, width], and so is what is returned. No second derivative.
at::Tensor feed_forward_block(const at::Tensor& hidden, const FeedForwardWeights& weights, const FeedForwardRun& run);

}  // namespace berth::model

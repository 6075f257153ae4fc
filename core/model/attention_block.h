// The first half of a BERT layer: self-attention, its output's projection, dropout, residual and LayerNorm, as one
// autograd function: gradients that meet at its input are added up within the matrix products.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/attention.h"
#include "core/model/products.h"
#include "core/model/residual_norm.h"

namespace berth::model {

// [width, width] and [width].
struct AttentionWeights {
  at::Tensor query_weight, query_bias, key_weight, key_bias, value_weight, value_bias, output_weight, output_bias;
  at::Tensor norm_scale, norm_shift;
};

struct AttentionRun {
  AttentionOptions attention;
  DropoutRun dropout;  // of the projected output
  double epsilon = 0;
  Products products = Products::kOwnType;
  at::Tensor offsets;      // of the sequences among hidden's rows
  at::Tensor rows;         // whose output is wanted; undefined: all
  at::Tensor row_offsets;  // of the sequences among `rows`
};

// hidden: [N, width]. Returns [rows or N, width]. No second derivative.
at::Tensor attention_block(const at::Tensor& hidden, const AttentionWeights& weights, const AttentionRun& run);

}  // namespace berth::model

// Multi-head self-attention over packed sequences: each attends to itself alone; no score matrix is padded.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/dropout.h"

namespace berth::model {

struct AttentionOptions {
  std::int64_t heads = 1;
  double dropout = 0;  // on the probabilities; 0 in evaluation
  DropoutKey key;
  std::uint32_t place = 0;
};

// query: [Q, width]; key, value: [N, width]. key_offsets: [B + 1] int64 on the CPU, sequence b's tokens among the N;
// query_offsets: likewise among the Q (equal to key_offsets, or one a sequence where only first tokens are computed).
// Returns softmax(q k^T / sqrt(width / heads)) v as [Q, width], heads side by side; differentiable in all three.
at::Tensor packed_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const at::Tensor& query_offsets, const at::Tensor& key_offsets,
                            const AttentionOptions& options);

}  // namespace berth::model

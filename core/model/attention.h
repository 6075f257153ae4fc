// Multi-head self-attention over packed sequences: each attends to itself alone; no score matrix is padded.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/dropout.h"

namespace berth::model {

struct AttentionOptions {
  std::int64_t heads = 1;
  DropoutRun dropout;  // on the probabilities
};

struct AttentionInput {
  at::Tensor query;          // [Q, width]
  at::Tensor key, value;     // [N, width]
  at::Tensor query_offsets;  // [B + 1] int64 on the CPU, among the Q: key_offsets, or fewer rows, each sequence's first
  at::Tensor key_offsets;    // [B + 1] likewise, sequence b's tokens among the N
};

struct AttentionOutput {
  at::Tensor out;         // softmax(q k^T / sqrt(width / heads)) v, [Q, width], heads side by side
  at::Tensor statistics;  // [2, heads, Q]: each row's softmax in short, for backward
};

struct AttentionGradients {
  at::Tensor query, key, value;
};

// No autograd: forward and backward are parts of attention_block().
AttentionOutput packed_attention(const AttentionInput& input, const AttentionOptions& options);

// gradient: of output.out. Scores are computed again, never kept.
AttentionGradients packed_attention_backward(const AttentionInput& input, const AttentionOutput& output,
                                             const at::Tensor& gradient, const AttentionOptions& options);

}  // namespace berth::model

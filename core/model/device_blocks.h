// The encoder's parts made of LibTorch's own operations and its autograd, for devices that are not the processor. They
// equal those of embedding_block.h, attention_block.h and feed_forward_block.h up to rounding, but for the masks of
// dropout, which come from the device's generator: the caller seeds it before each of them.
#pragma once

#include "core/model/attention_block.h"
#include "core/model/embedding_block.h"
#include "core/model/feed_forward_block.h"
#include "core/model/layout.h"

namespace berth::model {

// As embedding_block(), but the gradient of `word` is dense.
at::Tensor device_embedding(const EmbeddingWeights& weights, const EmbeddingRun& run);

// Has LibTorch an attention of packed sequences for such queries (their type and device) and heads? Layouts need no
// rectangle then.
bool has_packed_attention(const at::TensorOptions& queries, std::int64_t head_width);

// The sequences whose queries are wanted, and those that they look at: the same, but where `run.rows` are.
struct DeviceLayouts {
  const Layout& queries;
  const Layout& keys;
};

// As attention_block(), without the run's offsets. In a rectangle, where the layouts have one.
at::Tensor device_attention(const at::Tensor& hidden, const AttentionWeights& weights, const AttentionRun& run,
                            const DeviceLayouts& layouts);

// As feed_forward_block().
at::Tensor device_feed_forward(const at::Tensor& hidden, const FeedForwardWeights& weights, const FeedForwardRun& run);

}  // namespace berth::model

#include "core/model/device_blocks.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/record_function.h>

#include <cmath>
#include <tuple>

#include "core/model/activation.h"

namespace berth::model {
namespace {

// What flash attention's kernels take.
constexpr std::int64_t kLargestFlashWidth = 256;
constexpr std::int64_t kFlashWidthStep = 8;

at::Tensor drop(const at::Tensor& input, const DropoutRun& dropout) {
  return dropout.p > 0 ? at::dropout(input, dropout.p, /*train=*/true) : input;
}

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, Products products) {
  return at::linear(operand(input, products), operand(weight, products), operand(bias, products));
}

// In the parameters' own type, as autocast has it.
at::Tensor norm_of_sum(const at::Tensor& residual, const at::Tensor& addend, const at::Tensor& scale,
                       const at::Tensor& shift, double epsilon) {
  return at::layer_norm(residual + addend, {residual.size(1)}, scale, shift, epsilon);
}

struct Projected {
  at::Tensor query, key, value;  // [rows, width]
};

// One product where queries, keys and values are of the same rows.
Projected project(const at::Tensor& hidden, const at::Tensor& source, const AttentionWeights& w,
                  const AttentionRun& run) {
  if (run.rows.defined()) {
    const at::Tensor both =
        linear(hidden, at::cat({w.key_weight, w.value_weight}), at::cat({w.key_bias, w.value_bias}), run.products);
    const auto parts = both.chunk(2, 1);
    return {linear(source, w.query_weight, w.query_bias, run.products), parts[0], parts[1]};
  }
  const at::Tensor all = linear(hidden, at::cat({w.query_weight, w.key_weight, w.value_weight}),
                                at::cat({w.query_bias, w.key_bias, w.value_bias}), run.products);
  const auto parts = all.chunk(3, 1);
  return {parts[0], parts[1], parts[2]};
}

// Of packed sequences, without padding (Dao 2023, "FlashAttention-2").
at::Tensor flash(const Projected& in, const DeviceLayouts& layouts, std::int64_t heads, double dropout) {
  const auto width = in.query.size(1) / heads;
  const auto by_head = [&](const at::Tensor& rows) { return rows.view({rows.size(0), heads, width}); };
  const at::Tensor out = std::get<0>(at::_flash_attention_forward(
      by_head(in.query), by_head(in.key), by_head(in.value), layouts.queries.offsets, layouts.keys.offsets,
      layouts.queries.longest, layouts.keys.longest, dropout, /*is_causal=*/false, /*return_debug_mask=*/false,
      1 / std::sqrt(static_cast<double>(width))));
  return out.reshape(in.query.sizes());
}

// As LibTorch computes it best for this type on this device, in a rectangle.
at::Tensor padded(const Projected& in, const DeviceLayouts& layouts, std::int64_t heads, double dropout) {
  const auto width = in.query.size(1) / heads;
  const Rectangle& queries = *layouts.queries.rectangle;
  const Rectangle& keys = *layouts.keys.rectangle;
  const auto by_head = [&](const at::Tensor& packed, const Rectangle& of) {  // [B, heads, L, width of a head]
    return at::index_select(packed, 0, of.rows).view({of.sequences, of.longest, heads, width}).transpose(1, 2);
  };
  const at::Tensor out =
      at::scaled_dot_product_attention(by_head(in.query, queries), by_head(in.key, keys), by_head(in.value, keys),
                                       keys.mask.unsqueeze(1).unsqueeze(1), dropout);
  return at::index_select(out.transpose(1, 2).reshape({-1, in.query.size(1)}), 0, queries.places);
}

}  // namespace

bool has_packed_attention(const at::TensorOptions& queries, std::int64_t head_width) {
  static const auto kOperation = c10::Dispatcher::singleton().findSchema({"aten::_flash_attention_forward", ""});
  return queries.dtype() == at::kBFloat16 && head_width % kFlashWidthStep == 0 && head_width <= kLargestFlashWidth &&
         kOperation && kOperation->hasKernelForDispatchKey(queries.computeDispatchKey());
}

at::Tensor device_embedding(const EmbeddingWeights& w, const EmbeddingRun& run) {
  RECORD_USER_SCOPE("berth: embeddings, forward");
  const at::Tensor words = at::embedding(w.word, run.ids, run.padding_id);
  const at::Tensor others = at::embedding(w.segment, run.segments) + at::embedding(w.position, run.positions);
  return drop(norm_of_sum(words, others, w.norm_scale, w.norm_shift, run.epsilon), run.dropout);
}

at::Tensor device_attention(const at::Tensor& hidden, const AttentionWeights& w, const AttentionRun& run,
                            const DeviceLayouts& layouts) {
  RECORD_USER_SCOPE("berth: attention, forward");
  const auto heads = run.attention.heads;
  const at::Tensor source = run.rows.defined() ? at::index_select(hidden, 0, run.rows) : hidden;
  const Projected in = project(hidden, source, w, run);
  const double dropout = run.attention.dropout.p;
  const at::Tensor attended =
      layouts.keys.rectangle ? padded(in, layouts, heads, dropout) : flash(in, layouts, heads, dropout);
  const at::Tensor out = linear(attended, w.output_weight, w.output_bias, run.products);
  return norm_of_sum(source, drop(out, run.dropout), w.norm_scale, w.norm_shift, run.epsilon);
}

at::Tensor device_feed_forward(const at::Tensor& hidden, const FeedForwardWeights& w, const FeedForwardRun& run) {
  RECORD_USER_SCOPE("berth: feed forward, forward");
  const at::Tensor inner = activate(run.activation, linear(hidden, w.up_weight, w.up_bias, run.products));
  const at::Tensor out = linear(inner, w.down_weight, w.down_bias, run.products);
  return norm_of_sum(hidden, drop(out, run.dropout), w.norm_scale, w.norm_shift, run.epsilon);
}

}  // namespace berth::model

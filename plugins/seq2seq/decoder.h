// A Transformer decoder (Vaswani et al. 2017) over the encoder's hidden states: masked self-attention, attention to the
// source, and a feed-forward net with GELU in each layer. It runs over whole targets at once, or row by row with the
// keys and values of earlier rows kept.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "layers.h"
#include "layout.h"
#include "source.h"

namespace berth::seq2seq {

enum class NormPlace : std::uint8_t {
  kPost,  // after each residual sum, as in BERT
  kPre,   // before each part, and once more after the last layer (Xiong et al. 2020)
};

struct DecoderOptions {
  std::int64_t width = 0;  // the encoder's
  std::int64_t layers = 2;
  std::int64_t heads = 6;
  std::int64_t inner = 0;  // of the feed-forward net
  NormPlace norm = NormPlace::kPost;
  double dropout = 0;
};

// Keys and values of the rows decoded so far, in one layer. Rows grow in place; capacity doubles.
class LayerCache {
 public:
  // keys, values: [R, heads, 1, size] of the next position. parents: [R] int64, the row of the last call that each row
  // goes on from; undefined: its own.
  void append(const at::Tensor& keys, const at::Tensor& values, const at::Tensor& parents);
  // Leaves these rows, [R'] int64, in their order.
  void select(const at::Tensor& rows);
  at::Tensor keys() const { return keys_.narrow(2, 0, length_); }  // [R, heads, length, size]
  at::Tensor values() const { return values_.narrow(2, 0, length_); }

 private:
  at::Tensor keys_;
  at::Tensor values_;
  std::int64_t length_ = 0;
};

class DecoderLayer : public torch::nn::Module {
 public:
  // The attended values [B, heads, T, size] of queries, keys and values of that shape.
  using SelfAttention = std::function<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&)>;

  explicit DecoderLayer(const DecoderOptions& options);

  // hidden: [N, width], the encoder's, packed as `layout` says.
  Source::Memory remember(const at::Tensor& hidden, const Layout& layout) const;

  // x: [M, width], packed as `layout` says. source_mask: [B, 1, 1, L].
  at::Tensor forward(const at::Tensor& x, const Layout& layout, const SelfAttention& attend,
                     const Source::Memory& memory, const at::Tensor& source_mask) const;

 private:
  at::Tensor self_part(const at::Tensor& x, const Layout& layout, const SelfAttention& attend) const;
  at::Tensor source_part(const at::Tensor& x, const Layout& layout, const Source::Memory& memory,
                         const at::Tensor& source_mask) const;
  at::Tensor inner_part(const at::Tensor& x) const;
  at::Tensor drop(const at::Tensor& x) const;
  // [M, parts * width] -> parts tensors [B, heads, T, size]
  std::vector<at::Tensor> split_heads(const at::Tensor& x, const Layout& layout) const;
  at::Tensor join_heads(const at::Tensor& x, const Layout& layout) const;

  DecoderOptions options_;
  std::shared_ptr<Linear> self_in_, self_out_, source_query_, source_memory_, source_out_, inner_in_, inner_out_;
  std::shared_ptr<LayerNorm> self_norm_, source_norm_, inner_norm_;
};

class Decoder : public torch::nn::Module {
 public:
  explicit Decoder(const DecoderOptions& options);

  const DecoderOptions& options() const { return options_; }

  std::vector<Source::Memory> remember(const at::Tensor& hidden, const Layout& layout) const;

  // x: [M, width], embedded targets packed as `layout` says. Each row sees the rows before it and its source. Returns
  // [M, width].
  at::Tensor forward(const at::Tensor& x, const Layout& layout, const Source& source) const;

  // One further row for each of R = B * K hypotheses, K a source, in the order of the sources. x: [R, width].
  at::Tensor step(const at::Tensor& x, const at::Tensor& parents, const Source& source,
                  std::vector<LayerCache>& caches) const;

 private:
  at::Tensor finish(const at::Tensor& x) const;

  DecoderOptions options_;
  std::vector<std::shared_ptr<DecoderLayer>> layers_;
  std::shared_ptr<LayerNorm> final_norm_;  // of kPre
};

}  // namespace berth::seq2seq

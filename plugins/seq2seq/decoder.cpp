#include "decoder.h"

#include <ATen/ops/dropout.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>

namespace berth::seq2seq {

void LayerCache::append(const at::Tensor& keys, const at::Tensor& values, const at::Tensor& parents) {
  constexpr std::int64_t kFirstCapacity = 16;
  const auto grow = [&](at::Tensor& kept, const at::Tensor& next) {
    if (kept.defined() && parents.defined()) kept = kept.index_select(0, parents);
    if (!kept.defined() || kept.size(2) == length_) {
      const std::int64_t capacity = kept.defined() ? 2 * kept.size(2) : kFirstCapacity;
      at::Tensor larger = at::zeros({next.size(0), next.size(1), capacity, next.size(3)}, next.options());
      if (kept.defined()) larger.narrow(2, 0, length_).copy_(kept);
      kept = larger;
    }
    kept.narrow(2, length_, 1).copy_(next);
  };
  grow(keys_, keys);
  grow(values_, values);
  ++length_;
}

void LayerCache::select(const at::Tensor& rows) {
  keys_ = keys_.index_select(0, rows);
  values_ = values_.index_select(0, rows);
}

DecoderLayer::DecoderLayer(const DecoderOptions& options) : Module("DecoderLayer"), options_(options) {
  const std::int64_t width = options.width;
  const auto linear = [&](const std::string& name, std::int64_t inputs, std::int64_t outputs) {
    return register_module(name, std::make_shared<Linear>(Linear::Shape{inputs, outputs}));
  };
  self_in_ = linear("self_query_key_value", width, 3 * width);
  self_out_ = linear("self_output", width, width);
  source_query_ = linear("source_query", width, width);
  source_memory_ = linear("source_key_value", width, 2 * width);
  source_out_ = linear("source_output", width, width);
  inner_in_ = linear("inner", width, options.inner);
  inner_out_ = linear("inner_output", options.inner, width);
  self_norm_ = register_module("self_norm", std::make_shared<LayerNorm>(width));
  source_norm_ = register_module("source_norm", std::make_shared<LayerNorm>(width));
  inner_norm_ = register_module("inner_norm", std::make_shared<LayerNorm>(width));
}

at::Tensor DecoderLayer::drop(const at::Tensor& x) const { return at::dropout(x, options_.dropout, is_training()); }

std::vector<at::Tensor> DecoderLayer::split_heads(const at::Tensor& x, const Layout& layout) const {
  const std::int64_t heads = options_.heads;
  const std::int64_t parts = x.size(1) / options_.width;
  const at::Tensor padded =
      layout.pad(x).view({layout.sequences(), layout.longest(), parts, heads, options_.width / heads});
  std::vector<at::Tensor> result;
  for (std::int64_t i = 0; i < parts; ++i) result.push_back(padded.select(2, i).transpose(1, 2));
  return result;
}

at::Tensor DecoderLayer::join_heads(const at::Tensor& x, const Layout& layout) const {
  return layout.pack(x.transpose(1, 2).reshape({layout.sequences(), layout.longest(), options_.width}));
}

Source::Memory DecoderLayer::remember(const at::Tensor& hidden, const Layout& layout) const {
  const auto parts = split_heads((*source_memory_)(hidden), layout);
  return {parts[0], parts[1]};
}

at::Tensor DecoderLayer::self_part(const at::Tensor& x, const Layout& layout, const SelfAttention& attend) const {
  const auto parts = split_heads((*self_in_)(x), layout);
  return drop((*self_out_)(join_heads(attend(parts[0], parts[1], parts[2]), layout)));
}

at::Tensor DecoderLayer::source_part(const at::Tensor& x, const Layout& layout, const Source::Memory& memory,
                                     const at::Tensor& source_mask) const {
  const auto query = split_heads((*source_query_)(x), layout);
  const at::Tensor attended = at::scaled_dot_product_attention(query[0], memory.keys, memory.values, source_mask,
                                                               is_training() ? options_.dropout : 0.0);
  return drop((*source_out_)(join_heads(attended, layout)));
}

at::Tensor DecoderLayer::inner_part(const at::Tensor& x) const {
  return drop((*inner_out_)(at::gelu((*inner_in_)(x))));
}

at::Tensor DecoderLayer::forward(const at::Tensor& x, const Layout& layout, const SelfAttention& attend,
                                 const Source::Memory& memory, const at::Tensor& source_mask) const {
  if (options_.norm == NormPlace::kPre) {
    const at::Tensor a = x + self_part((*self_norm_)(x), layout, attend);
    const at::Tensor b = a + source_part((*source_norm_)(a), layout, memory, source_mask);
    return b + inner_part((*inner_norm_)(b));
  }
  const at::Tensor a = (*self_norm_)(x + self_part(x, layout, attend));
  const at::Tensor b = (*source_norm_)(a + source_part(a, layout, memory, source_mask));
  return (*inner_norm_)(b + inner_part(b));
}

Decoder::Decoder(const DecoderOptions& options) : Module("Decoder"), options_(options) {
  const auto list = register_module("layers", std::make_shared<Module>("Layers"));
  for (std::int64_t i = 0; i < options.layers; ++i) {
    layers_.push_back(list->register_module(std::to_string(i), std::make_shared<DecoderLayer>(options)));
  }
  if (options.norm == NormPlace::kPre) {
    final_norm_ = register_module("final_norm", std::make_shared<LayerNorm>(options.width));
  }
}

std::vector<Source::Memory> Decoder::remember(const at::Tensor& hidden, const Layout& layout) const {
  std::vector<Source::Memory> memories;
  for (const auto& layer : layers_) memories.push_back(layer->remember(hidden, layout));
  return memories;
}

at::Tensor Decoder::finish(const at::Tensor& x) const { return final_norm_ ? (*final_norm_)(x) : x; }

at::Tensor Decoder::forward(const at::Tensor& x, const Layout& layout, const Source& source) const {
  const double dropout = is_training() ? options_.dropout : 0.0;
  const auto causal = [&](const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
    // Padding stands at the end, where no row of a target looks.
    return at::scaled_dot_product_attention(queries, keys, values, {}, dropout, true);
  };
  const at::Tensor mask = source.mask.unsqueeze(1).unsqueeze(1);
  at::Tensor rows = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    rows = layers_[i]->forward(rows, layout, causal, source.layers[i], mask);
  }
  return finish(rows);
}

at::Tensor Decoder::step(const at::Tensor& x, const at::Tensor& parents, const Source& source,
                         std::vector<LayerCache>& caches) const {
  // The K hypotheses of a source are K queries to it, so that its keys and values are not repeated.
  const std::int64_t sources = source.mask.size(0);
  const Layout layout = Layout::uniform(sources, x.size(0) / sources, x.device());
  const at::Tensor mask = source.mask.unsqueeze(1).unsqueeze(1);
  caches.resize(layers_.size());
  at::Tensor rows = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerCache& cache = caches[i];
    const auto cached = [&](const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
      // [B, heads, K, size] <-> [B * K, heads, 1, size]: to each hypothesis its own past.
      const auto each = [&](const at::Tensor& t) {
        return t.transpose(1, 2).reshape({x.size(0), options_.heads, 1, t.size(3)});
      };
      cache.append(each(keys), each(values), parents);
      return at::scaled_dot_product_attention(each(queries), cache.keys(), cache.values())
          .view({sources, layout.longest(), options_.heads, queries.size(3)})
          .transpose(1, 2);
    };
    rows = layers_[i]->forward(rows, layout, cached, source.layers[i], mask);
  }
  return finish(rows);
}

}  // namespace berth::seq2seq

#include "embedding.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>

#include <cmath>

namespace berth::seq2seq {

TargetEmbedding::TargetEmbedding(const EmbeddingOptions& options) : Module("TargetEmbedding"), options_(options) {
  const auto table = [&](const std::string& name, std::int64_t rows) {
    return register_module(name, std::make_shared<Embedding>(Embedding::Shape{rows, options.width, options.deviation}));
  };
  if (!options.tied.defined()) {
    words_ = table("words", options.classes);
    const at::NoGradGuard no_grad;
    if (options.initial.defined()) words_->weight().copy_(options.initial);
  }
  if (options.positions > 0) positions_ = table("positions", options.positions);
  if (options.reads_source) {
    read_ = register_module("read", std::make_shared<Linear>(Linear::Shape{options.width, options.width}));
  }
  norm_ = register_module("norm", std::make_shared<LayerNorm>(options.width));
}

at::Tensor TargetEmbedding::forward(const at::Tensor& ids, const at::Tensor& positions, const Layout& layout,
                                    const Source& source) const {
  const at::Tensor known = ids.masked_fill(ids.ge(weight().size(0)), options_.unknown);
  at::Tensor x = at::embedding(weight(), known) + position_rows(positions);
  if (read_) x = x + (*read_)(read_source(ids, layout, source));
  return at::dropout((*norm_)(x), options_.dropout, is_training());
}

// Sinusoids (Vaswani et al. 2017), made about as large as new embeddings are.
at::Tensor TargetEmbedding::position_rows(const at::Tensor& positions) const {
  if (positions_) return at::embedding(positions_->weight(), positions);
  const std::int64_t half = (options_.width + 1) / 2;
  const at::Tensor rates =
      at::arange(half, weight().options()).mul(-std::log(10000.0) / static_cast<double>(half)).exp();
  const at::Tensor angles = positions.to(weight().scalar_type()).unsqueeze(1) * rates.unsqueeze(0);
  const double scale = options_.deviation * std::sqrt(2.0);
  return at::cat({angles.sin(), angles.cos()}, 1).slice(1, 0, options_.width) * scale;
}

at::Tensor TargetEmbedding::read_source(const at::Tensor& ids, const Layout& layout, const Source& source) const {
  // Padding has id 0, which is no copy's or is dropped with the padding.
  const at::Tensor repeats =
      layout.pad(ids).unsqueeze(2).eq(source.copy_ids.unsqueeze(1)).to(source.hidden.scalar_type());  // [B, T, L]
  const at::Tensor share = repeats / repeats.sum(-1, true).clamp_min(1);
  return layout.pack(at::bmm(share, source.hidden));
}

}  // namespace berth::seq2seq

#include "output.h"

#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/take.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

namespace berth::seq2seq {
namespace {

// Stands for log(0): finite, so that gradients through it are zero and not NaN, in float32 too.
constexpr double kNever = -1e30;

// [M] of parts.generated() at the ids, kNever for those beyond the classes.
at::Tensor generated_at(const OutputParts& parts, const at::Tensor& ids) {
  const std::int64_t classes = parts.vocabulary.size(1);
  at::Tensor value = parts.vocabulary.gather(1, ids.clamp_max(classes - 1).unsqueeze(1));
  if (parts.generate.defined()) value = value + parts.generate;
  return value.squeeze(1).masked_fill(ids.ge(classes), kNever);
}

at::Tensor copies_of(const OutputParts& parts, const at::Tensor& ids, const at::Tensor& copy_ids) {
  return parts.copies.masked_fill(copy_ids.ne(ids.unsqueeze(1)), kNever);
}

}  // namespace

OutputLayer::OutputLayer(const OutputOptions& options) : Module("OutputLayer"), options_(options) {
  const auto linear = [&](const char* name, std::int64_t inputs, std::int64_t outputs, Bias bias) {
    return register_module(name, std::make_shared<Linear>(Linear::Shape{inputs, outputs}, bias));
  };
  const std::int64_t width = options.width;
  if (options.has_transform) {
    transform_ = linear("transform", width, width, Bias::kZeros);
    transform_norm_ = register_module("transform_norm", std::make_shared<LayerNorm>(width));
  }
  bias_ = register_parameter("bias", at::zeros({options.classes}));
  if (options.kind == Kind::kGenerator) return;
  query_ = linear("query", width, width, Bias::kZeros);
  key_ = linear("key", width, width, Bias::kNone);  // a key's bias shifts all scores of a row alike: it has no effect
  if (options.kind == Kind::kPointerGenerator) gate_ = linear("gate", 3 * width, 1, Bias::kZeros);
}

at::Tensor OutputLayer::copy_keys(const at::Tensor& hidden, const Layout& layout) const {
  return key_ ? layout.pad((*key_)(hidden)) : at::Tensor();
}

OutputParts OutputLayer::parts(const OutputRows& rows) const {
  switch (options_.kind) {
    case Kind::kPointerGenerator:
      return mix(rows);
    case Kind::kPointer:
      return join(rows);
    case Kind::kGenerator:
      break;
  }
  return {at::log_softmax(logits(rows), -1), {}, {}, {}};
}

at::Tensor OutputLayer::logits(const OutputRows& rows) const {
  const at::Tensor states = transform_ ? (*transform_norm_)(at::gelu((*transform_)(rows.states))) : rows.states;
  return at::linear(states, rows.weight, bias_);
}

// [B, T, L], kNever where there is nothing to copy.
at::Tensor OutputLayer::copy_scores(const OutputRows& rows) const {
  const at::Tensor queries = rows.layout.pad((*query_)(rows.states)) / std::sqrt(static_cast<double>(options_.width));
  return at::bmm(queries, rows.source.copy_keys.transpose(1, 2))
      .masked_fill(rows.source.copy_ids.lt(0).unsqueeze(1), kNever);
}

OutputParts OutputLayer::mix(const OutputRows& rows) const {
  const at::Tensor log_attention = at::log_softmax(copy_scores(rows), -1);
  const at::Tensor attention = log_attention.exp();
  const at::Tensor context = rows.layout.pack(at::bmm(attention, rows.source.hidden));
  const at::Tensor gate = (*gate_)(at::cat({rows.states, context, rows.inputs}, 1));  // See et al., equation 8
  // A source without a word has nothing to copy: there, everything is generated.
  const at::Tensor nothing =
      rows.source.copy_ids.lt(0).all(1, true).index_select(0, rows.layout.sequence_of_rows());  // [M, 1]
  OutputParts parts;
  parts.vocabulary = at::log_softmax(logits(rows), -1);
  parts.generate = at::log_sigmoid(gate).masked_fill(nothing, 0);
  parts.copies = rows.layout.pack(log_attention) + at::log_sigmoid(-gate).masked_fill(nothing, kNever);
  parts.attention = rows.layout.pack(attention).masked_fill(nothing, 0);
  return parts;
}

OutputParts OutputLayer::join(const OutputRows& rows) const {
  const at::Tensor joined = at::log_softmax(at::cat({logits(rows), rows.layout.pack(copy_scores(rows))}, 1), -1);
  OutputParts parts;
  parts.vocabulary = joined.slice(1, 0, options_.classes);
  parts.copies = joined.slice(1, options_.classes);
  parts.attention = parts.copies.exp();
  return parts;
}

at::Tensor log_probability_of(const OutputParts& parts, const at::Tensor& ids, const at::Tensor& copy_ids) {
  at::Tensor generated = generated_at(parts, ids);
  if (!parts.copies.defined()) return generated;
  return at::logaddexp(generated, at::logsumexp(copies_of(parts, ids, copy_ids), {1}));
}

at::Tensor all_log_probabilities(const OutputParts& parts, const at::Tensor& copy_ids, std::int64_t extra) {
  at::Tensor generated = parts.generated();
  if (!parts.copies.defined()) return generated;
  const std::int64_t rows = generated.size(0);
  const std::int64_t ids = generated.size(1) + extra;
  // One column more takes what can't be copied.
  const at::Tensor columns = copy_ids.masked_fill(copy_ids.lt(0), ids);
  const at::Tensor copied = at::zeros({rows, ids + 1}, generated.options())
                                .scatter_add(1, columns, parts.copies.exp())
                                .slice(1, 0, ids)
                                .log();
  if (extra == 0) return at::logaddexp(generated, copied);
  const at::Tensor none = at::full({rows, extra}, -std::numeric_limits<double>::infinity(), generated.options());
  return at::logaddexp(at::cat({generated, none}, 1), copied);
}

at::Tensor origins_of(const OutputParts& parts, const at::Tensor& copy_ids, const at::Tensor& rows,
                      const at::Tensor& ids) {
  if (!parts.copies.defined()) return at::full(ids.sizes(), -1, ids.options());
  const at::Tensor copies =
      parts.copies.index_select(0, rows).masked_fill(copy_ids.index_select(0, rows).ne(ids.unsqueeze(1)), kNever);
  // Single values: the rows themselves are as wide as the vocabulary.
  const std::int64_t classes = parts.vocabulary.size(1);
  at::Tensor generated = at::take(parts.vocabulary, rows * classes + ids.clamp_max(classes - 1));
  if (parts.generate.defined()) generated = generated + parts.generate.squeeze(1).index_select(0, rows);
  const at::Tensor is_copied = at::logsumexp(copies, {1}).gt(generated.masked_fill(ids.ge(classes), kNever));
  return at::where(is_copied, copies.argmax(1), at::full(ids.sizes(), -1, ids.options()));
}

}  // namespace berth::seq2seq

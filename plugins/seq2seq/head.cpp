#include "head.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "steps.h"
#include "target_code.h"

namespace berth::seq2seq {
namespace {

// What the decoder reads at each row: what begins an answer, then the target's tokens but the last.
at::Tensor shifted(const at::Tensor& targets, const at::Tensor& offsets, std::int64_t begin) {
  const at::Tensor first = at::full({1}, begin, targets.options());
  return at::cat({first, targets.slice(0, 0, -1)}).index_fill(0, offsets.slice(0, 0, -1).to(targets.device()), begin);
}

// [B, longest], -1 after the end of each.
at::Tensor table(const std::vector<Hypothesis>& hypotheses, std::vector<std::int64_t> Hypothesis::*values) {
  std::size_t longest = 0;
  for (const Hypothesis& h : hypotheses) longest = std::max(longest, h.tokens.size());
  const auto columns = static_cast<std::int64_t>(longest);
  at::Tensor result = at::full({static_cast<std::int64_t>(hypotheses.size()), columns}, -1, at::kLong);
  auto* row = result.mutable_data_ptr<std::int64_t>();
  for (const Hypothesis& h : hypotheses) {
    std::copy((h.*values).begin(), (h.*values).end(), row);
    row += columns;
  }
  return result;
}

}  // namespace

Seq2SeqHead::Seq2SeqHead(const HeadOptions& options)
    : options_(options),
      embedding_(register_module("embedding", std::make_shared<TargetEmbedding>(options.embedding))),
      decoder_(register_module("decoder", std::make_shared<Decoder>(options.decoder))),
      output_(register_module("output", std::make_shared<OutputLayer>(options.output))) {}

Source Seq2SeqHead::read_source(const Encoded& encoded) const {
  const at::Tensor hidden = encoded.hidden();
  const Layout layout = Layout::ragged(encoded.batch().offsets(), hidden.device());
  Source source;
  source.hidden = layout.pad(hidden);
  source.mask = layout.mask();
  source.layers = decoder_->remember(hidden, layout);
  if (options_.output.kind == Kind::kGenerator) return source;
  // Shifted by one, so that padding becomes kNoCopy.
  static_assert(kNoCopy == -1);
  source.copy_ids = layout.pad(encoded.batch().field("copy_id") + 1) - 1;
  source.copy_keys = output_->copy_keys(hidden, layout);
  return source;
}

Outputs Seq2SeqHead::forward(const Encoded& encoded) {
  const Batch& batch = encoded.batch();
  const at::Tensor& targets = batch.field("target");
  const at::Tensor& offsets = batch.field_offsets("target");
  const Layout layout = Layout::ragged(offsets, targets.device());
  const Source source = read_source(encoded);
  const at::Tensor inputs =
      embedding_->forward(shifted(targets, offsets, options_.search.begin), layout.positions(), layout, source);
  const at::Tensor states = decoder_->forward(inputs, layout, source);
  const OutputParts parts = output_->parts(rows(states, inputs, layout, source));
  const at::Tensor copy_ids =
      source.copy_ids.defined() ? source.copy_ids.index_select(0, layout.sequence_of_rows()) : at::Tensor();
  Outputs outputs;
  outputs.emplace("log_probability", layout.pad(log_probability_of(parts, targets, copy_ids)));
  outputs.emplace("states", layout.pad(states));
  if (options_.loss.label_smoothing > 0) outputs.emplace("smoothing", layout.pad(parts.vocabulary.mean(-1)));
  if (options_.loss.coverage > 0) outputs.emplace("coverage", layout.pad(coverage_of(parts.attention, layout)));
  return outputs;
}

Loss Seq2SeqHead::loss(const Outputs& outputs, const Batch& batch, LossDetail detail) {
  const Layout layout = Layout::ragged(batch.field_offsets("target"), batch.field("target").device());
  const auto packed = [&](const char* name) {
    const auto found = outputs.find(name);
    return found == outputs.end() ? at::Tensor() : layout.pack(found->second);
  };
  return token_loss({packed("log_probability"), packed("smoothing"), packed("coverage")}, layout, options_.loss,
                    detail);
}

Outputs Seq2SeqHead::predict(const Encoded& encoded) {
  const at::NoGradGuard no_grad;
  DecoderSteps steps({*embedding_, *decoder_, *output_}, read_source(encoded));
  const std::vector<Hypothesis> hypotheses = search(steps, encoded.batch().size(), options_.search);
  std::vector<double> scores;
  scores.reserve(hypotheses.size());
  for (const Hypothesis& h : hypotheses) scores.push_back(h.score);
  return {{"tokens", table(hypotheses, &Hypothesis::tokens)},
          {"origins", table(hypotheses, &Hypothesis::origins)},
          {"score", at::tensor(scores, at::kDouble)}};
}

at::Tensor Seq2SeqHead::log_probabilities(const Outputs& outputs, const Batch& batch) {
  if (options_.output.kind != Kind::kGenerator) return {};
  const Layout layout = Layout::ragged(batch.field_offsets("target"), batch.field("target").device());
  const at::Tensor states = layout.pack(outputs.at("states"));
  return output_->parts(rows(states, states, layout, {})).vocabulary;
}

at::Tensor Seq2SeqHead::targets(const Batch& batch) {
  return options_.output.kind == Kind::kGenerator ? batch.field("target") : at::Tensor();
}

}  // namespace berth::seq2seq

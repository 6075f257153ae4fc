#include "head.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/zeros.h>

#include "berth/kit/losses.h"
#include "features.h"

namespace berth::ner {
namespace {

at::Tensor lengths_of(const Batch& batch) { return batch.offsets().diff(); }

// [N]: of each token.
at::Tensor sequences_of(const Batch& batch) {
  return at::arange(batch.size(), at::kLong).repeat_interleave(lengths_of(batch)).to(batch.ids().device());
}

}  // namespace

LinearTagger::LinearTagger(const EncoderInfo& encoder, std::int64_t tags, std::optional<double> dropout)
    : LinearHead(encoder, {HeadInput::kAllTokens, tags, dropout}) {}

Loss LinearTagger::loss(const Outputs& outputs, const Batch& batch, LossDetail detail) {
  kit::CrossEntropyOptions options;
  options.ignore_index = kNoTag;
  if (detail == LossDetail::kValues) options.sequences = sequences_of(batch);
  return kit::cross_entropy(outputs.at("logits"), batch.field(kTag), detail, options);
}

at::Tensor LinearTagger::log_probabilities(const Outputs& outputs, const Batch& batch) {
  const at::Tensor counted = batch.field(kTag).ne(kNoTag).nonzero().squeeze(1);
  return at::log_softmax(outputs.at("logits").index_select(0, counted), -1);
}

at::Tensor LinearTagger::targets(const Batch& batch) {
  const at::Tensor& tags = batch.field(kTag);
  return tags.masked_select(tags.ne(kNoTag));
}

CrfTagger::CrfTagger(const EncoderInfo& encoder, const kit::TagSet& tags, std::optional<double> dropout)
    : LinearHead(encoder, {HeadInput::kAllTokens, tags.size(), dropout}), constraints_(scheme_constraints(tags)) {
  learned_.transitions = register_parameter("transitions", at::zeros({tags.size(), tags.size()}));
  learned_.start = register_parameter("start", at::zeros({tags.size()}));
  learned_.end = register_parameter("end", at::zeros({tags.size()}));
}

Loss CrfTagger::loss(const Outputs& outputs, const Batch& batch, LossDetail detail) {
  const at::Tensor& logits = outputs.at("logits");
  const at::Tensor scored = batch.field(kScored).nonzero().squeeze(1);
  Loss loss;
  if (scored.numel() == 0) {  // sequences without a word
    loss.sum = logits.sum() * 0;
    loss.values = logits.sum(-1).slice(0, 0, 0);
    loss.sequences = scored;
    return loss;
  }
  const at::Tensor lengths =
      at::zeros({batch.size()}, batch.ids().options()).index_add(0, sequences_of(batch), batch.field(kScored));
  const at::Tensor sequences = lengths.nonzero().squeeze(1);
  const at::Tensor edges = batch.field(kEdges).index_select(0, sequences).to(at::kBool);
  const CrfBatch sentences{logits.index_select(0, scored), lengths.index_select(0, sequences), edges.select(1, 0),
                           edges.select(1, 1)};
  const at::Tensor values = -crf_log_likelihood(sentences, batch.field(kTag).index_select(0, scored), constrained());
  loss.sum = values.sum();
  loss.count = static_cast<double>(values.numel());
  if (detail == LossDetail::kValues) {
    loss.values = values;
    loss.sequences = sequences;
  }
  return loss;
}

Outputs CrfTagger::predict(const Encoded& encoded) {
  Outputs outputs = forward(encoded);
  outputs["weights"] = at::cat({learned_.transitions, learned_.start.unsqueeze(0), learned_.end.unsqueeze(0)});
  return outputs;
}

CrfWeights CrfTagger::constrained() const {
  const auto both = [](const at::Tensor& learned, const at::Tensor& constraint) {
    return learned + constraint.to(learned.options());
  };
  return {both(learned_.transitions, constraints_.transitions), both(learned_.start, constraints_.start),
          both(learned_.end, constraints_.end)};
}

}  // namespace berth::ner

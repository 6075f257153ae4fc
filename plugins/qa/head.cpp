#include "head.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/index_copy.h>

#include <limits>

#include "berth/kit/losses.h"

namespace berth::qa {
namespace {

// Packed [N, 2] as [2 * B, L], all sequences' starts and then their ends; -infinity beyond each sequence's end, so that
// nothing there has a share in the softmax.
at::Tensor starts_and_ends(const at::Tensor& logits, const Batch& batch) {
  const at::Tensor lengths = batch.offsets().diff().to(logits.device());
  const std::int64_t longest = lengths.max().item<std::int64_t>();
  const at::Tensor rows = at::arange(batch.size(), lengths.options()).repeat_interleave(lengths);
  const at::Tensor cells = rows * longest + batch.positions();
  const at::Tensor padded =
      at::full({batch.size() * longest, 2}, -std::numeric_limits<double>::infinity(), logits.options())
          .index_copy(0, cells, logits);
  return padded.t().reshape({2 * batch.size(), longest});
}

}  // namespace

QaHead::QaHead(const EncoderInfo& encoder, double dropout) : LinearHead(encoder, {HeadInput::kAllTokens, 2, dropout}) {}

Loss QaHead::loss(const Outputs& outputs, const Batch& batch, LossDetail detail) {
  const at::Tensor targets = at::cat({batch.field("start"), batch.field("end")});
  const Loss both = kit::cross_entropy(starts_and_ends(outputs.at("logits"), batch), targets, detail);
  Loss loss;
  loss.sum = both.sum / 2;
  loss.count = both.count / 2;
  if (detail == LossDetail::kSum) return loss;
  loss.values = both.values.view({2, batch.size()}).sum(0) / 2;
  loss.sequences = at::arange(batch.size(), targets.options());
  return loss;
}

}  // namespace berth::qa

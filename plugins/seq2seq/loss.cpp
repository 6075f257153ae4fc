#include "loss.h"

#include <ATen/ops/cumsum.h>
#include <ATen/ops/minimum.h>

namespace berth::seq2seq {

at::Tensor coverage_of(const at::Tensor& attention, const Layout& layout) {
  const at::Tensor padded = layout.pad(attention);  // [B, T, L]
  const at::Tensor before = at::cumsum(padded, 1).sub(padded);
  return layout.pack(at::minimum(padded, before).sum(-1));
}

Loss token_loss(const TokenTerms& terms, const Layout& layout, const LossOptions& options, LossDetail detail) {
  at::Tensor values = terms.log_probability.neg();
  if (options.label_smoothing > 0) {
    values = values.mul(1 - options.label_smoothing).sub(terms.smoothing, options.label_smoothing);
  }
  if (options.coverage > 0) values = values.add(terms.coverage, options.coverage);
  Loss loss;
  loss.sum = values.sum();
  loss.count = static_cast<double>(values.size(0));
  if (detail == LossDetail::kValues) {
    loss.values = values;
    loss.sequences = layout.sequence_of_rows();
  }
  return loss;
}

}  // namespace berth::seq2seq

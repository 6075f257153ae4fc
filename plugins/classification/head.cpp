#include "head.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>

#include "berth/kit/losses.h"

namespace berth::classification {

ClassificationHead::ClassificationHead(const EncoderInfo& encoder, const HeadOptions& options)
    : LinearHead(encoder, {HeadInput::kPooled, options.outputs, options.dropout}), options_(options) {}

Loss ClassificationHead::loss(const Outputs& outputs, const Batch& batch, LossDetail detail) {
  const at::Tensor& logits = outputs.at("logits");
  const at::Tensor& targets = batch.field("label");
  switch (options_.kind) {
    case Kind::kRegression:
      return kit::squared_error(logits, targets, detail);
    case Kind::kMultiLabel:
      // A task of one label has a field of width 1, which the host packs to [B].
      return kit::binary_cross_entropy(logits, targets.view_as(logits), detail, weights_like(logits),
                                       options_.focal_gamma);
    case Kind::kSingleLabel:
      break;
  }
  kit::CrossEntropyOptions options;
  options.weights = weights_like(logits);
  options.smoothing = options_.label_smoothing;
  options.focal_gamma = options_.focal_gamma;
  return kit::cross_entropy(logits, targets, detail, options);
}

at::Tensor ClassificationHead::log_probabilities(const Outputs& outputs, const Batch& batch) {
  (void)batch;
  if (options_.kind != Kind::kSingleLabel) return {};
  return at::log_softmax(outputs.at("logits"), -1);
}

at::Tensor ClassificationHead::targets(const Batch& batch) {
  return options_.kind == Kind::kSingleLabel ? batch.field("label") : at::Tensor();
}

at::Tensor ClassificationHead::weights_like(const at::Tensor& logits) const {
  if (options_.weights.empty()) return {};
  return at::tensor(options_.weights, at::kDouble).to(logits.options());
}

}  // namespace berth::classification

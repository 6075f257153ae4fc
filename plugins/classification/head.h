// The head: pooled first token, dropout, one linear layer, as transformers' BertForSequenceClassification; and its
// loss.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "berth/kit/heads.h"
#include "example.h"

namespace berth::classification {

struct HeadOptions {
  Kind kind = Kind::kSingleLabel;
  std::int64_t outputs = 0;       // labels; 1 for kRegression
  std::optional<double> dropout;  // default: the encoder's
  double label_smoothing = 0;     // of kSingleLabel
  std::vector<double> weights;    // one a label, or empty: all 1
  double focal_gamma = 0;         // of kSingleLabel and kMultiLabel; 0: cross-entropy
};

// Reads the field "label": int64 [B], or real [B, labels] for kMultiLabel, real [B] for kRegression.
class ClassificationHead final : public kit::LinearHead {
 public:
  ClassificationHead(const EncoderInfo& encoder, const HeadOptions& options);

  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override;
  at::Tensor log_probabilities(const Outputs& outputs, const Batch& batch) override;
  at::Tensor targets(const Batch& batch) override;

 private:
  at::Tensor weights_like(const at::Tensor& logits) const;

  HeadOptions options_;
};

}  // namespace berth::classification

// The heads: dropout and one linear layer over every token, as transformers' BertForTokenClassification, whose words
// are tagged one by one; and the same under a CRF, which scores the tags of a whole sentence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "berth/kit/heads.h"
#include "berth/kit/tags.h"
#include "crf.h"

namespace berth::ner {

// Reads the field kTag. Loss: cross-entropy, a value a counted token.
class LinearTagger final : public kit::LinearHead {
 public:
  LinearTagger(const EncoderInfo& encoder, std::int64_t tags, std::optional<double> dropout);

  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override;
  at::Tensor log_probabilities(const Outputs& outputs, const Batch& batch) override;
  at::Tensor targets(const Batch& batch) override;
};

// Reads kTag, kScored and kEdges. Loss: -log of the likelihood of a sentence's tags, a value a sentence (a window is
// one too). Parameters "transitions" [T, T], "start" [T] and "end" [T], zero at first, besides the linear layer's.
class CrfTagger final : public kit::LinearHead {
 public:
  CrfTagger(const EncoderInfo& encoder, const kit::TagSet& tags, std::optional<double> dropout);

  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override;

  // Besides "logits", "weights" [B, T + 2, T], the same for every sequence: the transitions, then start and end.
  Outputs predict(const Encoded& encoded) override;

 private:
  CrfWeights constrained() const;

  CrfWeights learned_;
  CrfWeights constraints_;
};

}  // namespace berth::ner

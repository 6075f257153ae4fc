// The host's Encoded: a batch with what the encoder made of it.
#pragma once

#include "berth/batch.h"
#include "core/model/encoder.h"

namespace berth::data {

class EncodedBatch final : public Encoded {
 public:
  EncodedBatch(const Batch& batch, model::EncoderOutput output) : batch_(batch), output_(std::move(output)) {}

  const Batch& batch() const override { return batch_; }
  at::Tensor hidden() const override;
  at::Tensor first() const override { return output_.first; }
  at::Tensor pooled() const override;
  Padded padded() const override;

 private:
  const Batch& batch_;
  model::EncoderOutput output_;
};

// What the encoder reads of a batch.
model::EncoderInput encoder_input(const Batch& batch);

}  // namespace berth::data

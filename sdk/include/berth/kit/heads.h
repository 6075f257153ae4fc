// A head of one linear layer, as most tasks need. A task derives from it and writes the loss:
//
//   class StanceHead : public berth::kit::LinearHead {
//    public:
//     StanceHead(const berth::EncoderInfo& encoder, std::int64_t labels)
//         : LinearHead(encoder, {berth::HeadInput::kPooled, labels}) {}
//     berth::Loss loss(const berth::Outputs& outputs, const berth::Batch& batch, berth::LossDetail detail) override {
//       return berth::kit::cross_entropy(outputs.at("logits"), batch.field("label"), detail);
//     }
//   };
#pragma once

#include <cstdint>
#include <optional>

#include "berth/head.h"

namespace berth::kit {

struct LinearHeadOptions {
  HeadInput input = HeadInput::kPooled;
  std::int64_t outputs = 0;       // columns of the logits
  std::optional<double> dropout;  // before the layer; default: the encoder's
};

// Parameters "output.weight" [outputs, width], drawn from normal(0, initializer_range), and "output.bias", zero.
class LinearHead : public Head {
 public:
  LinearHead(const EncoderInfo& encoder, const LinearHeadOptions& options);

  HeadInput input() const override { return input_; }

  // "logits": [B, outputs] of the pooled or the first token; [N, outputs] where the input is all tokens.
  Outputs forward(const Encoded& encoded) override;

 private:
  HeadInput input_;
  double dropout_;
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace berth::kit

#include "berth/kit/heads.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <memory>

namespace berth::kit {
namespace {

at::Tensor normal_weight(std::int64_t rows, std::int64_t columns, double deviation) {
  const at::NoGradGuard no_grad;
  return at::empty({rows, columns}).normal_(0, deviation);
}

at::Tensor read(const Encoded& encoded, HeadInput input) {
  switch (input) {
    case HeadInput::kFirstToken:
      return encoded.first();
    case HeadInput::kPooled:
      return encoded.pooled();
    case HeadInput::kAllTokens:
      break;
  }
  return encoded.hidden();
}

}  // namespace

LinearHead::LinearHead(const EncoderInfo& encoder, const LinearHeadOptions& options)
    : input_(options.input), dropout_(options.dropout.value_or(encoder.dropout)) {
  // A module of its own gives the parameters the names "output.weight" and "output.bias", as torch::nn::Linear would.
  auto output = std::make_shared<torch::nn::Module>("Linear");
  weight_ = output->register_parameter("weight",
                                       normal_weight(options.outputs, encoder.hidden_size, encoder.initializer_range));
  bias_ = output->register_parameter("bias", at::zeros({options.outputs}));
  register_module("output", std::move(output));
}

Outputs LinearHead::forward(const Encoded& encoded) {
  return {{"logits", at::linear(at::dropout(read(encoded, input_), dropout_, is_training()), weight_, bias_)}};
}

}  // namespace berth::kit

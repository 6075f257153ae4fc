// The gate of the learned mixin (Clark, Yatskar & Zettlemoyer 2019, "Don't Take the Easy Way Out: Ensemble Based
// Methods for Avoiding Known Dataset Biases", section 3.2.3): g(x) = softplus(w . h + b) says how far the biased model
// is to be trusted on an example. Learns as the task's head does, and is thrown away with the biased model.
#pragma once

#include <cstdint>

#include "core/model/named_tensor.h"

namespace berth::debias {

struct Gate {
  at::Tensor weight;  // [1, width]
  at::Tensor bias;    // [1]

  // Weights of normal(0, deviation), as a head's; the bias zero.
  Gate(std::int64_t width, double deviation, std::uint64_t seed, const at::TensorOptions& options);

  NamedTensors parameters() const { return {{"gate.weight", weight}, {"gate.bias", bias}}; }

  // [B]. hidden: [B, width], the pooled or the first token.
  at::Tensor operator()(const at::Tensor& hidden) const;
};

}  // namespace berth::debias

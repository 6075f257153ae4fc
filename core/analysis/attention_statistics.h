// What the attention of each head does with texts. Called by the analysis of a run.
#pragma once

#include <vector>

#include "berth/batch.h"
#include "core/model/encoder.h"

namespace berth::analysis {

// Means over the tokens that look, [layers][heads].
struct AttentionStatistics {
  std::vector<std::vector<double>> entropy;   // of a token's attention over its sequence, in nats (Clark et al. 2019,
                                              // "What Does BERT Look At?", section 3.3): 0: one token has all of it
  std::vector<std::vector<double>> distance;  // how many tokens away it looks, weighted by attention (Vig & Belinkov
                                              // 2019, "Analyzing the Structure of Attention ...", equation 3)
};

// Adds up batches.
class AttentionMeter {
 public:
  explicit AttentionMeter(const model::Encoder& encoder);

  // states: of Encoder::hidden_states() for this batch.
  void add(const std::vector<at::Tensor>& states, const Batch& batch);
  AttentionStatistics result() const;

 private:
  struct Layer {
    at::Tensor query_weight, query_bias, key_weight, key_bias;
    at::Tensor entropy, distance;  // [heads] float64, sums
  };

  std::int64_t heads_;
  std::vector<Layer> layers_;
  std::int64_t tokens_ = 0;
};

}  // namespace berth::analysis

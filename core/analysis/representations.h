// Hidden states of the same texts in two encoders, layer by layer. Called by the analysis of a run.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/analysis/attention_statistics.h"
#include "core/data/feature_store.h"

namespace berth::analysis {

struct RepresentationOptions {
  std::int64_t batch_size = 64;          // sequences
  std::int64_t tokens = 1000;            // that similarities are taken over, spread evenly over the texts
  std::function<void()> tick = nullptr;  // called before each batch; may throw to end it
};

struct Representations {
  std::int64_t tokens = 0;            // that were compared
  std::vector<double> cka, rsa;       // [1 + layers]: of the embeddings, then of each layer's output; see similarity.h
  AttentionStatistics before, after;  // over all tokens
};

// before, after: encoders of one shape.
Representations compare_representations(const model::Encoder& before, const model::Encoder& after,
                                        const data::FeatureStore& texts, const RepresentationOptions& options);

}  // namespace berth::analysis

// BERT's embeddings: word, segment and position summed, LayerNorm, dropout, as one autograd function.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/model/dropout.h"

namespace berth::model {

struct EmbeddingWeights {
  at::Tensor word, segment, position;  // [vocabulary, width], [segments, width], [positions, width]
  at::Tensor norm_scale, norm_shift;   // [width]
};

struct EmbeddingRun {
  at::Tensor ids, segments, positions;  // [N] int64, rows of the tables: the caller has checked them
  std::int64_t padding_id = -1;         // a word that learns nothing; -1: none
  DropoutRun dropout;
  double epsilon = 0;
};

// Returns [N, width]. The gradient of `word` is sparse and coalesced: a batch reads a few hundred of 30,000 rows. No
// second derivative.
at::Tensor embedding_block(const EmbeddingWeights& weights, const EmbeddingRun& run);

}  // namespace berth::model

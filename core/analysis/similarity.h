// How alike two models' representations of the same tokens are; called by the analysis of a run.
#pragma once

#include <ATen/core/Tensor.h>

namespace berth::analysis {

// a: [n, p], b: [n, q], row i of both is the same token; n at least 2. Both are computed in float64 and are 1 for equal
// representations; NaN where one of them is the same for every token.

// Linear centred kernel alignment (Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited",
// equation 4 with a linear kernel): |B' A|^2 / (|A' A| |B' B|), columns centred, Frobenius norms. Blind to rotations
// and to the scale of all columns together.
double linear_cka(const at::Tensor& a, const at::Tensor& b);

// Representational similarity analysis (Kriegeskorte et al. 2008), as Merchant et al. 2020 have it ("What Happens To
// BERT Embeddings During Fine-tuning?", section 4.2): Pearson's correlation, over all pairs of tokens, between a pair's
// cosine similarity in one model and in the other.
double rsa(const at::Tensor& a, const at::Tensor& b);

}  // namespace berth::analysis

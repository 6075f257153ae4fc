// The loss of one batch from what the head computed for each target token.
#pragma once

#include "berth/loss.h"
#include "layout.h"

namespace berth::seq2seq {

// One row a target token, [M]; the second and third only where their weights are above 0.
struct TokenTerms {
  at::Tensor log_probability;  // of the token
  at::Tensor smoothing;        // mean logarithm of probability over the vocabulary
  at::Tensor coverage;         // attention that goes where earlier steps looked already
};

struct LossOptions {
  double label_smoothing = 0;
  double coverage = 0;  // weight of the coverage loss
};

// attention: [M, L], what each target token's step copies from, packed as `layout` says. Returns [M]: the sum over the
// source of min(a_t, a_1 + ... + a_(t-1)) (See et al. 2017, equations 10 and 12).
at::Tensor coverage_of(const at::Tensor& attention, const Layout& layout);

// -(1 - s) * log p - s * mean log p + coverage weight * coverage, summed over the target tokens; their number is the
// count.
Loss token_loss(const TokenTerms& terms, const Layout& layout, const LossOptions& options, LossDetail detail);

}  // namespace berth::seq2seq

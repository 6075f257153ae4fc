// The likelihood of tag sequences under a linear-chain conditional random field (Lafferty, McCallum and Pereira, 2001),
// for a whole batch at once. Used by the CRF head while training.
#pragma once

#include <ATen/core/Tensor.h>

#include "berth/kit/tags.h"

namespace berth::ner {

// What forbidden steps score: far below anything that is learned, yet finite, so that gradients stay numbers.
inline constexpr double kForbidden = -1e4;

// Scores besides the emissions, T tags.
struct CrfWeights {
  at::Tensor transitions;  // [T, T]: from the row's tag to the column's
  at::Tensor start;        // [T]: a sentence begins with the tag
  at::Tensor end;          // [T]: a sentence ends with it
};

// 0 where the scheme allows the step, kForbidden where not; double.
CrfWeights scheme_constraints(const kit::TagSet& tags);

// Words of C sentences, or of stretches of sentences, one after the other: M in all, at least one in each.
struct CrfBatch {
  at::Tensor emissions;  // [M, T]
  at::Tensor lengths;    // [C] int64
  at::Tensor opens;      // [C] bool: begins with the sentence's first word, so that `start` counts
  at::Tensor closes;     // [C] bool: ends with its last word, so that `end` counts
};

// log p(tags | emissions) of each sentence, [C], differentiable. tags: [M] int64.
at::Tensor crf_log_likelihood(const CrfBatch& batch, const at::Tensor& tags, const CrfWeights& weights);

}  // namespace berth::ner

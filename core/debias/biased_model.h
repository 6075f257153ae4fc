// The biased model, trained by cross-fitting (Chernozhukov et al. 2018): the training set is cut into folds, and each
// fold's answers come from a softmax regression on the others. A model asked about what it was trained on would seem
// surer, and debiasing would take back more than the bias gives away.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace berth::debias {

struct CrossFit {
  std::int64_t classes = 0;
  std::int64_t folds = 5;
  std::uint64_t seed = 42;
};

// [rows, classes] float64. design: see bias_design.h. Fewer rows than folds: a fold for each.
at::Tensor out_of_fold_log_probabilities(const at::Tensor& design, const at::Tensor& targets, const CrossFit& options);

}  // namespace berth::debias

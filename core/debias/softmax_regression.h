// Multinomial logistic regression with an L2 penalty, as scikit-learn's LogisticRegression(C=1): minimises
// sum of cross-entropies + |W|^2 / 2, the intercepts free, by L-BFGS in float64. Small and convex: no rates, no epochs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace berth::debias {

struct SoftmaxRegression {
  at::Tensor weights;     // [columns, classes]
  at::Tensor intercepts;  // [classes]

  // [rows, classes]
  at::Tensor log_probabilities(const at::Tensor& design) const;
};

// design: [rows, columns], dense or sparse COO, float64. targets: [rows] int64.
SoftmaxRegression fit_softmax_regression(const at::Tensor& design, const at::Tensor& targets, std::int64_t classes);

}  // namespace berth::debias

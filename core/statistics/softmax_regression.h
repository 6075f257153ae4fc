// Multinomial logistic regression with an L2 penalty: minimises sum of cross-entropies + penalty |W|^2 / 2, the
// intercepts free, by L-BFGS in float64. Small and convex: no rates, no epochs. The biased models of core/debias and
// the bag of words of core/diagnosis are such regressions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace berth::statistics {

struct SoftmaxRegression {
  at::Tensor weights;     // [columns, classes]
  at::Tensor intercepts;  // [classes]

  // [rows, classes]
  at::Tensor log_probabilities(const at::Tensor& design) const;
};

struct RegressionOptions {
  std::int64_t classes = 2;
  double penalty = 1;       // scikit-learn's LogisticRegression(C=1) for three classes or more
  double tolerance = 1e-8;  // of the largest slope of the mean over the rows, at which it stops
};

// Two classes have a column of weights each, where scikit-learn has one for both: its C = 1 is twice the penalty then.
inline double scikit_learn_penalty(std::int64_t classes) { return classes == 2 ? 2 : 1; }

// design: [rows, columns], dense or sparse COO, float64. targets: [rows] int64.
SoftmaxRegression fit_softmax_regression(const at::Tensor& design, const at::Tensor& targets,
                                         const RegressionOptions& options);

}  // namespace berth::statistics

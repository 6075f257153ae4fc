// Multinomial logistic regression on sparse rows, by L-BFGS: scikit-learn's LogisticRegression with C = 1, of whose
// objective it finds the same minimum. Small and convex, so that it needs no tuning: the floor for a task with labels.
#pragma once

#include <cstddef>
#include <vector>

#include "core/diagnosis/bag_of_words.h"

namespace berth::diagnosis {

struct LogisticProblem {
  const SparseRows& rows;
  const std::vector<std::size_t>& labels;  // of each row, below `classes`
  std::size_t columns = 0;
  std::size_t classes = 2;
  double tolerance = 1e-4;  // of the largest slope, at which it stops
};

class LogisticRegression {
 public:
  explicit LogisticRegression(const LogisticProblem& problem);

  // Of one row, one a class; they sum to 1.
  std::vector<double> probabilities(const SparseRows& rows, std::size_t row) const;

 private:
  std::size_t classes_;
  std::vector<double> weights_;  // [columns + 1][classes]; the last row is the intercepts
};

}  // namespace berth::diagnosis

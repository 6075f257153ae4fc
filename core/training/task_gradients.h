// The gradients of several tasks on the same parameters: kept apart, compared, and put together again.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/training/parameter_plan.h"
#include "core/training/random.h"

namespace berth::training {

using Matrix = std::vector<std::vector<double>>;

class TaskGradients {
 public:
  // Of the trained parameters of the plan. The encoder's are the ones that tasks share.
  explicit TaskGradients(const ParameterPlan& plan);

  // Takes the gradients that stand in the parameters (`sum`, of one task), times `scale`, and clears them there.
  void take(double scale);

  std::size_t size() const { return tasks_.size(); }

  // [size][size], inner products over the encoder's parameters.
  Matrix products() const;

  // Puts sum_k weights[k] * (the k-th task's gradients) into the parameters, and forgets what was taken.
  void put_back(const std::vector<double>& weights);

  void clear() { tasks_.clear(); }

 private:
  std::vector<at::Tensor> shared_;
  std::vector<at::Tensor> own_;                 // of the heads
  std::vector<std::vector<at::Tensor>> tasks_;  // shared_'s, then own_'s; undefined where a task has none
};

// Cosines of the angles between the rows that gave these products; NaN where a row is zero.
Matrix cosines(const Matrix& products);

// Projecting conflicting gradients (PCGrad; Yu et al. 2020, "Gradient Surgery for Multi-Task Learning", algorithm 1):
// each task's gradient loses, for every other task in random order, its part along that task's gradient where the two
// point against each other. Every projection is a sum of the original gradients, so that all of it can be done on their
// inner products: returns how much of each original gradient stands in the sum of the projected ones.
std::vector<double> surgery_weights(const Matrix& products, Random& random);

}  // namespace berth::training

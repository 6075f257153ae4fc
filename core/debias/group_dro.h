// Group distributionally robust optimisation (Sagawa, Koh, Hashimoto & Liang 2020, "Distributionally Robust Neural
// Networks for Group Shifts", algorithm 1): a weight for each group that grows with the group's loss, so that training
// works at the worst one. As in the authors' code, a batch moves the weights of the groups that it has before it is
// learned from, and a group's loss is its mean over the batch. The adjustment is that of section 3.3: C / sqrt(size) on
// top of a group's loss, more for small groups, which generalise worse.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace berth::debias {

class GroupDro {
 public:
  // sizes: of the groups in the training set.
  GroupDro(const std::vector<std::int64_t>& sizes, double step_size, double adjustment);

  // values: [K], a batch's losses; groups: [K] int64, the group of each.
  void move(const at::Tensor& values, const at::Tensor& groups);

  // [K], of no gradient: what each value counts, such that the weighted sum is K times the sum over groups of weight
  // times mean. With one group each is 1.
  at::Tensor factors(const at::Tensor& values, const at::Tensor& groups) const;

  const std::vector<double>& weights() const { return weights_; }
  void set_weights(std::vector<double> weights) { weights_ = std::move(weights); }  // as many as before

 private:
  std::vector<double> weights_;
  std::vector<double> adjustments_;
  double step_size_;
};

}  // namespace berth::debias

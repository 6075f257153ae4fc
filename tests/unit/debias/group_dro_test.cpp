#include "core/debias/group_dro.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::debias {
namespace {

TEST(GroupDro, OneGroupIsPlainTrainingToTheBit) {
  GroupDro dro({100}, 0.5, 0);
  const at::Tensor values = at::rand({7}, at::kDouble);
  const at::Tensor groups = at::zeros({7}, at::kLong);
  dro.move(values, groups);
  EXPECT_TRUE(at::equal(dro.factors(values, groups), at::ones({7}, at::kDouble)));
}

TEST(GroupDro, TheWorseGroupGainsWeight) {
  GroupDro dro({90, 10, 5}, 0.1, 0);
  const at::Tensor values = at::tensor({0.2, 0.4, 2.0}, at::kDouble);
  const at::Tensor groups = at::tensor({0, 0, 1}, at::kLong);
  dro.move(values, groups);
  // Means 0.3 and 2; the third group isn't there, and keeps what it had.
  const double a = std::exp(0.03), b = std::exp(0.2), sum = a + b + 1;
  EXPECT_NEAR(dro.weights()[0], a / sum, 1e-15);
  EXPECT_NEAR(dro.weights()[1], b / sum, 1e-15);
  EXPECT_NEAR(dro.weights()[2], 1 / sum, 1e-15);
  const double robust = (values * dro.factors(values, groups)).sum().item<double>() / 3;
  EXPECT_NEAR(robust, 0.3 * dro.weights()[0] + 2 * dro.weights()[1], 1e-15);
}

TEST(GroupDro, SmallGroupsAreAdjusted) {
  GroupDro dro({100, 4}, 1, 3);
  dro.move(at::tensor({1.0, 1.0}, at::kDouble), at::tensor({0, 1}, at::kLong));
  EXPECT_NEAR(dro.weights()[1] / dro.weights()[0], std::exp(3 / 2.0 - 3 / 10.0), 1e-12);
}

}  // namespace
}  // namespace berth::debias

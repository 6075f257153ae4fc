#include "core/analysis/similarity.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::analysis {
namespace {

at::Tensor random(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  at::manual_seed(seed);
  return at::randn({rows, columns}, at::kDouble);
}

TEST(LinearCka, IsBlindToRotationScaleAndShift) {
  const at::Tensor a = random(60, 8, 1);
  const at::Tensor rotation = std::get<0>(at::linalg_qr(random(8, 8, 2)));
  EXPECT_NEAR(linear_cka(a, a), 1, 1e-12);
  EXPECT_NEAR(linear_cka(a, 3 * at::matmul(a, rotation) + 5), 1, 1e-12);
}

TEST(LinearCka, TakesRepresentationsOfOtherWidthsAndFindsUnrelatedOnesSo) {
  EXPECT_LT(linear_cka(random(3000, 5, 1), random(3000, 9, 2)), 0.02);
  const at::Tensor a = random(100, 5, 1);
  EXPECT_GT(linear_cka(a, at::cat({a, 0.1 * random(100, 4, 2)}, 1)), 0.98);
}

TEST(LinearCka, IsUndefinedWhereATokenIsLikeEveryOther) {
  EXPECT_TRUE(std::isnan(linear_cka(at::ones({10, 3}), random(10, 3, 1))));
}

TEST(Rsa, IsBlindToRotationAndScaleButNotToAShift) {
  const at::Tensor a = random(60, 8, 1);
  const at::Tensor rotation = std::get<0>(at::linalg_qr(random(8, 8, 2)));
  EXPECT_NEAR(rsa(a, 3 * at::matmul(a, rotation)), 1, 1e-12);
  EXPECT_LT(rsa(a, a + 5), 0.9);
  EXPECT_LT(std::abs(rsa(random(300, 8, 1), random(300, 8, 2))), 0.05);
}

TEST(Rsa, IsUndefinedWhereAllPairsAreAlike) { EXPECT_TRUE(std::isnan(rsa(at::ones({10, 3}), random(10, 3, 1)))); }

}  // namespace
}  // namespace berth::analysis

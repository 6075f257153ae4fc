#include "core/finetuning/consistency.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <vector>

namespace berth::finetuning {
namespace {

at::Tensor log_probabilities() { return at::randn({5, 3}, at::kDouble).mul(2).log_softmax(1); }

// One way, by the library's own function.
at::Tensor divergence(const at::Tensor& log_p, const at::Tensor& log_q) {
  return at::kl_div(log_q, log_p, at::Reduction::None, /*log_target=*/true).sum(1);
}

TEST(SymmetricDivergence, IsBothWaysTogether) {
  at::manual_seed(1);
  const at::Tensor p = log_probabilities();
  const at::Tensor q = log_probabilities();
  EXPECT_TRUE(at::allclose(symmetric_divergence(p, q), divergence(p, q) + divergence(q, p), 1e-12, 1e-12));
  EXPECT_EQ(symmetric_divergence(p, p).abs().max().item<double>(), 0);
}

TEST(RDrop, IsTheMeanLossAndHalfTheWeightOfTheDivergence) {
  at::manual_seed(2);
  const at::Tensor p = log_probabilities();
  const at::Tensor q = log_probabilities();
  const auto answer = [](const at::Tensor& log_p, double sum) {
    Answer a;
    a.loss.sum = at::full({}, sum, at::kDouble);
    a.loss.count = 5;
    a.log_p = log_p;
    return a;
  };
  const auto loss = r_drop(answer(p, 3), answer(q, 5), 0.7);
  EXPECT_NEAR(loss.sum.item<double>(), 4 + 0.35 * (divergence(p, q) + divergence(q, p)).sum().item<double>(), 1e-12);
  EXPECT_EQ(loss.count, 5);
  EXPECT_EQ(r_drop(answer(p, 3), answer(q, 5), 0).sum.item<double>(), 4);
}

TEST(Smart, StartsFromNoiseThatItsSeedRepeats) {
  const at::Tensor hidden = at::zeros({400, 50}, at::kDouble);
  const at::Tensor start = smart_start(hidden, 0.02, 7);
  EXPECT_TRUE(start.is_leaf() && start.requires_grad());
  EXPECT_NEAR(start.detach().std().item<double>(), 0.02, 0.0005);
  EXPECT_TRUE(at::equal(start, smart_start(hidden, 0.02, 7)));
  EXPECT_FALSE(at::equal(start, smart_start(hidden, 0.02, 8)));
}

at::Tensor rows(const std::vector<double>& values) { return at::tensor(values, at::kDouble).view({-1, 3}); }

TEST(Smart, AscendsWithinTheRadiusEachTokenByItsOwnSlope) {
  const at::Tensor move = rows({0, 0.05, -0.3, 0, 0, 0, 0.01, -0.02, 0});
  const at::Tensor gradient = rows({2e-9, -4e-9, 0, 5, 0.001, -0.01, 0, 0, 0});
  // 100 radii along gradient / largest, cut: 0.001 of 5 is 0.02 radii.
  const at::Tensor expected = rows({0.1, -0.1, -0.1, 0.1, 0.002, -0.02, 0.01, -0.02, 0});
  EXPECT_TRUE(at::allclose(smart_ascent(move, gradient, 0.1), expected, 1e-9, 1e-12));
}

}  // namespace
}  // namespace berth::finetuning

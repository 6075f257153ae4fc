#include "core/debias/biased_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "core/statistics/softmax_regression.h"

namespace berth::debias {
namespace {

TEST(SoftmaxRegression, ReachesThePointWhereThePenaltyBalancesTheErrors) {
  const at::Tensor design = at::randn({80, 5}, at::kDouble);
  const at::Tensor targets = (design.select(1, 0) > 0.3).to(at::kLong) + (design.select(1, 1) > 0).to(at::kLong);
  for (const at::Tensor& layout : {design, design.to_sparse()}) {
    const auto model = statistics::fit_softmax_regression(layout, targets, {3});
    const at::Tensor errors =
        model.log_probabilities(layout).exp() - at::zeros({80, 3}, at::kDouble).scatter(1, targets.unsqueeze(1), 1.0);
    EXPECT_LT((design.t().mm(errors) + model.weights).abs().max().item<double>(), 1e-4);
    EXPECT_LT(errors.sum(0).abs().max().item<double>(), 1e-4);
    EXPECT_GT(model.log_probabilities(layout).argmax(1).eq(targets).to(at::kDouble).mean().item<double>(), 0.6);
  }
}

// A column for each row: what a row's own label teaches can't help another. Asked unseen, the model knows nothing; were
// a row among what it learned from, it would be right.
TEST(BiasedModel, IsAskedAboutWhatItHasNotSeen) {
  constexpr std::int64_t kRows = 40;
  at::Tensor design = at::zeros({kRows, kRows}, at::kDouble);
  design.fill_diagonal_(10);
  const at::Tensor targets = at::cat({at::zeros({kRows / 2}, at::kLong), at::zeros({kRows / 2}, at::kLong) + 1});
  const at::Tensor seen = statistics::fit_softmax_regression(design, targets, {2}).log_probabilities(design);
  EXPECT_EQ(seen.argmax(1).eq(targets).sum().item<std::int64_t>(), kRows);
  const at::Tensor unseen = out_of_fold_log_probabilities(design, targets, {2, 5, 7});
  const at::Tensor of_targets = unseen.gather(1, targets.unsqueeze(1)).exp();
  EXPECT_LT((of_targets - 0.5).abs().max().item<double>(), 0.3);
  EXPECT_TRUE(at::equal(unseen, out_of_fold_log_probabilities(design, targets, {2, 5, 7})));
}

TEST(BiasedModel, TakesMoreFoldsThanRowsAsOneEach) {
  const at::Tensor design = at::rand({3, 2}, at::kDouble);
  const at::Tensor found = out_of_fold_log_probabilities(design, at::randint(2, {3}, at::kLong), {2, 5, 1});
  EXPECT_LT((found.exp().sum(1) - 1).abs().max().item<double>(), 1e-12);
}

}  // namespace
}  // namespace berth::debias

#include "core/debias/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::debias {
namespace {

constexpr double kTolerance = 1e-12;

class DebiasLosses : public testing::Test {
 protected:
  at::Tensor log_p_ = at::log_softmax(at::randn({50, 3}, at::kDouble), 1);
  at::Tensor log_b_ = at::log_softmax(2 * at::randn({50, 3}, at::kDouble), 1);
  at::Tensor uniform_ = at::full({50, 3}, std::log(1.0 / 3), at::kDouble);
  at::Tensor targets_ = at::randint(3, {50}, at::kLong);
  at::Tensor plain_ = log_p_.gather(1, targets_.unsqueeze(1)).squeeze(1).neg();

  static double gap(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }
};

TEST_F(DebiasLosses, ABiasOfNothingIsPlainTraining) {
  EXPECT_LT(gap(product_of_experts(log_p_, uniform_, targets_), plain_), kTolerance);
  EXPECT_TRUE(at::equal(bias_weights(uniform_, targets_), at::full({50}, 1.0, at::kDouble)));
  const at::Tensor gate = at::full({50}, 0.7, at::kDouble);
  EXPECT_LT(gap(learned_mixin({log_p_, uniform_, targets_, gate, 0}), plain_), kTolerance);
  // A closed gate too, whatever the bias; its entropy is then that of three equal chances.
  const at::Tensor closed = at::zeros({50}, at::kDouble);
  EXPECT_LT(gap(learned_mixin({log_p_, log_b_, targets_, closed, 0.5}), plain_ + 0.5 * std::log(3.0)), kTolerance);
}

TEST_F(DebiasLosses, AnOpenGateIsTheProductOfExperts) {
  const at::Tensor open = at::full({50}, 1.0, at::kDouble);
  EXPECT_LT(gap(learned_mixin({log_p_, log_b_, targets_, open, 0}), product_of_experts(log_p_, log_b_, targets_)),
            kTolerance);
}

// The gradient in the logits is softmax(log p + log b) minus what is right: near zero where the bias says it all.
TEST_F(DebiasLosses, WhatTheBiasExplainsTeachesLittle) {
  const auto gradient_of = [](const at::Tensor& log_b) {
    at::Tensor logits = at::zeros({1, 3}, at::kDouble).requires_grad_();
    product_of_experts(at::log_softmax(logits, 1), log_b, at::tensor({0}, at::kLong)).sum().backward();
    return logits.grad().abs().sum().item<double>();
  };
  const double sure = gradient_of(at::tensor({0.98, 0.01, 0.01}, at::kDouble).log().unsqueeze(0));
  const double wrong = gradient_of(at::tensor({0.01, 0.98, 0.01}, at::kDouble).log().unsqueeze(0));
  EXPECT_NEAR(sure, 2 * 0.02, 1e-9);
  EXPECT_NEAR(wrong, 2 * 0.99, 1e-9);
}

TEST_F(DebiasLosses, WeightsAreOneOnAverageAndSmallWhereTheBiasIsRight) {
  const at::Tensor log_b = at::tensor({0.9, 0.1, 0.3, 0.7}, at::kDouble).view({2, 2}).log();
  const at::Tensor weights = bias_weights(log_b, at::tensor({0, 0}, at::kLong));
  EXPECT_NEAR(weights[0].item<double>(), 0.1 / 0.4, kTolerance);
  EXPECT_NEAR(weights[1].item<double>(), 0.7 / 0.4, kTolerance);
}

TEST_F(DebiasLosses, TheTeacherIsFlattenedByASureBias) {
  const at::Tensor teacher = at::tensor({0.8, 0.2, 0.8, 0.2}, at::kDouble).view({2, 2}).log();
  const at::Tensor log_b = at::tensor({1.0, 1e-300, 1e-300, 1.0}, at::kDouble).view({2, 2}).log();
  const at::Tensor soft = confidence_targets(teacher, log_b, at::tensor({0, 0}, at::kLong));
  EXPECT_NEAR(soft[0][0].item<double>(), 0.5, kTolerance);
  EXPECT_NEAR(soft[1][0].item<double>(), 0.8, kTolerance);
  EXPECT_NEAR(soft_cross_entropy(teacher, soft)[1].item<double>(), -(0.8 * std::log(0.8) + 0.2 * std::log(0.2)),
              kTolerance);
}

}  // namespace
}  // namespace berth::debias

#include "core/training/task_weights.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>

#include <cmath>

namespace berth::training {
namespace {

suite::Suite two_tasks(suite::WeightKind kind) {
  suite::Suite suite;
  suite.mixing.weights = kind;
  suite.mixing.weight_rate = 0.05;
  suite.tasks.resize(2);
  suite.tasks[1].weight = 0.5;
  return suite;
}

TEST(TaskWeights, FixedOnesStay) {
  TaskWeights weights(two_tasks(suite::WeightKind::kFixed));
  weights.learn({{0, 3.0}, {1, 3.0}}, 1);
  EXPECT_EQ(weights.weight(0), 1);
  EXPECT_EQ(weights.weight(1), 0.5);
}

// Against LibTorch's Adam on the written-out objective, tasks coming and going.
TEST(TaskWeights, LearnedOnesFollowTheObjectiveOfThePaper) {
  TaskWeights weights(two_tasks(suite::WeightKind::kUncertainty));
  std::vector<at::Tensor> s = {at::zeros({}, at::kDouble).set_requires_grad(true),
                               at::zeros({}, at::kDouble).set_requires_grad(true)};
  torch::optim::Adam adam(s, torch::optim::AdamOptions(0.05));
  for (int step = 0; step < 50; ++step) {
    std::vector<std::pair<std::size_t, double>> losses;
    adam.zero_grad();
    for (const std::size_t task : {0U, 1U}) {
      if (task == 1 && step % 3 == 0) continue;
      const double loss = 2.0 - static_cast<double>(task) + 0.5 * std::sin(step);
      losses.emplace_back(task, loss);
      ((-s[task]).exp() * loss + s[task] / 2).backward();
    }
    adam.step();
    weights.learn(losses, 1);
  }
  EXPECT_NEAR(weights.weight(0), std::exp(-s[0].item<double>()), 1e-10);
  EXPECT_NEAR(weights.weight(1), 0.5 * std::exp(-s[1].item<double>()), 1e-10);
  EXPECT_LT(weights.weight(0), 0.5) << "a loss above a half loses weight";
}

}  // namespace
}  // namespace berth::training

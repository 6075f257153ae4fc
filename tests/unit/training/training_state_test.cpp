#include "core/training/training_state.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <limits>

#include "berth/error.h"
#include "core/training/selection.h"
#include "core/training/task_weights.h"
#include "saved_state.h"

namespace berth::training {
namespace {

TEST(TrainingState, GivesBackWhatWasPutIn) {
  TrainingState state;
  const std::vector<double> reals = {0.1, -std::numeric_limits<double>::infinity(), 5e-324};
  const std::vector<std::int64_t> integers = {std::numeric_limits<std::int64_t>::min(), 0, 7};
  const at::Tensor tensor = at::randn({3, 4});
  state.put("reals", reals);
  state.put("none", std::vector<std::int64_t>());
  state.put("integers", integers);
  state.put("tensor", tensor);
  const auto read = testing::saved(state);
  EXPECT_EQ(read.reals("reals", 3), reals);
  EXPECT_EQ(read.integers("integers"), integers);
  EXPECT_EQ(read.integers("none", 0), std::vector<std::int64_t>());
  EXPECT_TRUE(read.tensor("tensor").equal(tensor));
  EXPECT_TRUE(read.has("tensor"));
  EXPECT_FALSE(read.has("other"));
}

TEST(TrainingState, RefusesWhatDoesNotFit) {
  TrainingState state;
  state.put("reals", std::vector<double>{1, 2});
  state.put("tensor", at::zeros({2, 3}));
  const auto read = testing::saved(state);
  EXPECT_THROW(read.tensor("other"), Error);
  EXPECT_THROW(read.reals("reals", 3), Error);
  EXPECT_THROW(read.integers("reals"), Error);
  EXPECT_THROW(read.copy_to(at::zeros({3, 2}), "tensor"), Error);
  EXPECT_THROW(read.copy_to(at::zeros({2, 3}, at::kDouble), "tensor"), Error);
}

TEST(TrainingState, LearnedTaskWeightsGoOn) {
  suite::Suite suite;
  suite.mixing.weights = suite::WeightKind::kUncertainty;
  suite.tasks.resize(2);
  TaskWeights weights(suite);
  for (int step = 0; step < 5; ++step) weights.learn({{0, 2.5}, {1, 0.1 * step}}, 1);
  TrainingState state;
  weights.save(state);
  TaskWeights resumed(suite);
  resumed.load(testing::saved(state));
  for (int step = 0; step < 5; ++step) {
    weights.learn({{0, 1.5}, {1, 0.3}}, 0.5);
    resumed.learn({{0, 1.5}, {1, 0.3}}, 0.5);
  }
  EXPECT_NE(weights.weight(0), 1);
  for (const std::size_t task : {0, 1}) EXPECT_EQ(resumed.weight(task), weights.weight(task));
}

TEST(TrainingState, WhatWasBestIsKnown) {
  const auto dev = [](double a, double b) {
    DevEvaluations evaluations;
    evaluations["a"].scores = {{"accuracy", a, Direction::kHigherIsBetter, true}};
    evaluations["b"].scores = {{"accuracy", b, Direction::kHigherIsBetter, true}};
    return evaluations;
  };
  Selection selection("each");
  selection.judge(dev(0.5, 0.8));
  TrainingState state;
  selection.save(state);
  Selection resumed("each");
  resumed.load(testing::saved(state), {"a", "b"});
  const auto verdict = resumed.judge(dev(0.6, 0.7));
  EXPECT_FALSE(verdict.is_best);
  EXPECT_EQ(verdict.best_tasks, std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace berth::training

#include "core/training/selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace berth::training {
namespace {

evaluation::Evaluation scored(double value, Direction direction = Direction::kHigherIsBetter) {
  evaluation::Evaluation evaluation;
  evaluation.scores = {{"other", 1 - value}, {"score", value, direction, /*is_primary=*/true}};
  return evaluation;
}

DevEvaluations dev(double a, double b) { return {{"a", scored(a)}, {"b", scored(b)}}; }

TEST(Selection, TheMeanOfThePrimaryScores) {
  Selection selection("mean");
  EXPECT_TRUE(selection.judge(dev(0.5, 0.5)).is_best);
  EXPECT_FALSE(selection.judge(dev(0.9, 0.1)).is_best) << "no better is not better";
  EXPECT_TRUE(selection.judge(dev(0.9, 0.2)).is_best);
  EXPECT_TRUE(selection.judge(dev(0.9, 0.3)).best_tasks.empty());
}

TEST(Selection, OneTasksScoreAlone) {
  Selection selection("b");
  EXPECT_TRUE(selection.judge(dev(0.9, 0.5)).is_best);
  EXPECT_FALSE(selection.judge(dev(1.0, 0.4)).is_best);
  EXPECT_TRUE(selection.judge(dev(0.0, 0.6)).is_best);
}

TEST(Selection, EachTaskHasItsOwnBest) {
  Selection selection("each");
  EXPECT_EQ(selection.judge(dev(0.5, 0.5)).best_tasks, (std::vector<std::string>{"a", "b"}));
  auto verdict = selection.judge(dev(0.6, 0.3));
  EXPECT_EQ(verdict.best_tasks, std::vector<std::string>{"a"});
  EXPECT_FALSE(verdict.is_best) << "the mean fell";
  EXPECT_TRUE(verdict.is_progress());
  verdict = selection.judge(dev(0.6, 0.5));
  EXPECT_TRUE(verdict.best_tasks.empty());
  EXPECT_TRUE(verdict.is_best) << "the mean rose";
}

TEST(Selection, LowerIsBetterWhereTheScoreSaysSo) {
  Selection selection("mean");
  EXPECT_TRUE(selection.judge({{"a", scored(0.5, Direction::kLowerIsBetter)}}).is_best);
  EXPECT_FALSE(selection.judge({{"a", scored(0.6, Direction::kLowerIsBetter)}}).is_best);
  EXPECT_TRUE(selection.judge({{"a", scored(0.4, Direction::kLowerIsBetter)}}).is_best);
}

TEST(Selection, AScoreThatIsNotDefinedIsTheWorst) {
  Selection selection("mean");
  EXPECT_TRUE(selection.judge({{"a", scored(std::numeric_limits<double>::quiet_NaN())}}).is_best) << "the first";
  EXPECT_TRUE(selection.judge({{"a", scored(0.1)}}).is_best);
}

TEST(Selection, WhatIsNeverDefinedHidesNothingOfTheOthers) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  Selection selection("mean");
  EXPECT_TRUE(selection.judge(dev(none, 0.5)).is_best);
  EXPECT_TRUE(selection.judge(dev(none, 0.6)).is_best);
  EXPECT_FALSE(selection.judge(dev(none, 0.4)).is_best);
  EXPECT_TRUE(selection.judge(dev(0.1, 0.2)).is_best) << "two scores say more than one";
  EXPECT_FALSE(selection.judge(dev(none, 0.9)).is_best);
}

TEST(Selection, ATaskMayBeNamedAsAWayToSelect) {
  Selection selection("mean");
  EXPECT_TRUE(selection.judge({{"mean", scored(0.5)}, {"b", scored(0.5)}}).is_best);
  EXPECT_FALSE(selection.judge({{"mean", scored(0.6)}, {"b", scored(0.1)}}).is_best);
}

TEST(Selection, WithoutDevSetsTheLastIsTheBest) {
  Selection selection("mean");
  EXPECT_TRUE(selection.judge({}).is_best);
  EXPECT_TRUE(selection.judge({}).is_best);
}

}  // namespace
}  // namespace berth::training

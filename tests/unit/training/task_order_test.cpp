#include "core/training/task_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace berth::training {
namespace {

using suite::MixingConfig;
using suite::MixingKind;

const std::vector<MixedTask> kTasks = {{"big", 3200, 100}, {"small", 320, 10}};

MixingConfig of(MixingKind kind) {
  MixingConfig config;
  config.kind = kind;
  return config;
}

std::int64_t count(const std::vector<std::size_t>& order, std::size_t task, std::size_t from, std::size_t to) {
  return std::count(order.begin() + static_cast<std::ptrdiff_t>(from), order.begin() + static_cast<std::ptrdiff_t>(to),
                    task);
}
std::int64_t count(const std::vector<std::size_t>& order, std::size_t task) {
  return count(order, task, 0, order.size());
}

// A share that was drawn n times is within 5 standard errors of its probability.
void expect_share(std::int64_t found, double probability, std::int64_t n) {
  const double error = std::sqrt(probability * (1 - probability) / static_cast<double>(n));
  EXPECT_NEAR(static_cast<double>(found) / static_cast<double>(n), probability, 5 * error);
}

TEST(TaskOrder, ProportionalIsExactInEveryEpochAndMixed) {
  const auto order = task_order(of(MixingKind::kProportional), kTasks, {.total_steps = 220});
  ASSERT_EQ(order.size(), 220U);
  EXPECT_EQ(count(order, 1, 0, 110), 10);
  EXPECT_EQ(count(order, 1, 110, 220), 10);
  EXPECT_GT(count(order, 1, 0, 55), 0);
  EXPECT_GT(count(order, 1, 55, 110), 0);
  EXPECT_FALSE(std::equal(order.begin(), order.begin() + 110, order.begin() + 110)) << "epochs differ";
}

TEST(TaskOrder, ProportionalWithoutShuffleIsOneTaskAfterAnotherInEachEpoch) {
  const auto order = task_order(of(MixingKind::kProportional), kTasks, {.total_steps = 115, .shuffle = false});
  EXPECT_EQ(count(order, 0, 0, 100), 100);
  EXPECT_EQ(count(order, 1, 100, 110), 10);
  EXPECT_EQ(count(order, 0, 110, 115), 5);
}

TEST(TaskOrder, UniformDrawsAllAlike) {
  const auto order = task_order(of(MixingKind::kUniform), kTasks, {.total_steps = 10000});
  expect_share(count(order, 0), 0.5, 10000);
  EXPECT_EQ(order, task_order(of(MixingKind::kUniform), kTasks, {.total_steps = 10000}));
  EXPECT_NE(order, task_order(of(MixingKind::kUniform), kTasks, {.total_steps = 10000, .seed = 43}));
}

TEST(TaskOrder, TemperatureFlattensTheShares) {
  auto config = of(MixingKind::kTemperature);
  config.temperature = 1;
  expect_share(count(task_order(config, kTasks, {.total_steps = 10000}), 1), 1.0 / 11, 10000);
  config.temperature = 2;
  expect_share(count(task_order(config, kTasks, {.total_steps = 10000}), 1), 1 / (1 + std::sqrt(10.0)), 10000);
}

TEST(TaskOrder, TheTemperatureMovesToItsEnd) {
  auto config = of(MixingKind::kTemperature);
  config.temperature = 1;
  config.final_temperature = 3;
  const auto order = task_order(config, kTasks, {.total_steps = 100000});
  // In a hundredth of the way the temperature hardly moves.
  expect_share(count(order, 1, 0, 1000), 1.0 / 11, 1000);
  expect_share(count(order, 1, 99000, 100000), 1 / (1 + std::cbrt(10.0)), 1000);
}

TEST(TaskOrder, RoundRobinTakesTurns) {
  const auto order = task_order(of(MixingKind::kRoundRobin), kTasks, {.total_steps = 5});
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 0, 1, 0}));
}

TEST(TaskOrder, SequentialGivesEachTaskItsEpochsAtOnce) {
  const auto order = task_order(of(MixingKind::kSequential), kTasks, {.total_steps = 220});
  EXPECT_EQ(count(order, 0, 0, 200), 200);
  EXPECT_EQ(count(order, 1, 200, 220), 20);
}

TEST(TaskOrder, PhasesFollowEachOtherAndTheLastGoesOn) {
  auto config = of(MixingKind::kPhases);
  config.phases = {{10, {{"small", 1.0}}, {}}, {1000, {{"small", 1.0}, {"big", 3.0}}, {}}, {0, {{"big", 2.0}}, {}}};
  const auto order = task_order(config, kTasks, {.total_steps = 1510});
  EXPECT_EQ(count(order, 1, 0, 10), 10);
  expect_share(count(order, 0, 10, 1010), 0.75, 1000);
  EXPECT_EQ(count(order, 0, 1010, 1510), 500);
}

TEST(TaskOrder, AnEpochIsAllOfEveryTaskOrTheLargestWhereEachStepHasAll) {
  EXPECT_EQ(steps_per_epoch(of(MixingKind::kUniform), kTasks), 110);
  MixingConfig config;
  config.step = suite::StepKind::kAllTasks;
  EXPECT_EQ(steps_per_epoch(config, kTasks), 100);
}

}  // namespace
}  // namespace berth::training

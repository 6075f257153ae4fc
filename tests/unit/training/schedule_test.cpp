#include "core/training/schedule.h"

#include <gtest/gtest.h>

#include <vector>

namespace berth::training {
namespace {

suite::ScheduleConfig config(suite::ScheduleKind kind) {
  suite::ScheduleConfig config;
  config.kind = kind;
  config.warmup_steps = 3;
  return config;
}

void expect_factors(suite::ScheduleKind kind, const std::vector<double>& expected) {
  const Schedule schedule(config(kind), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(schedule.factor(static_cast<std::int64_t>(i)), expected[i], 1e-15) << "step " << i;
  }
}

// The values are transformers' (tests/support/schedule_goldens.py).
TEST(Schedule, LinearEqualsTransformers) {
  expect_factors(suite::ScheduleKind::kLinear,
                 {0.0, 0.3333333333333333, 0.6666666666666666, 1.0, 0.8571428571428571, 0.7142857142857143,
                  0.5714285714285714, 0.42857142857142855, 0.2857142857142857, 0.14285714285714285});
}

TEST(Schedule, CosineEqualsTransformers) {
  expect_factors(suite::ScheduleKind::kCosine,
                 {0.0, 0.3333333333333333, 0.6666666666666666, 1.0, 0.9504844339512095, 0.8117449009293668,
                  0.6112604669781572, 0.38873953302184283, 0.18825509907063326, 0.04951556604879048});
}

TEST(Schedule, ConstantEqualsTransformers) {
  expect_factors(suite::ScheduleKind::kConstant,
                 {0.0, 0.3333333333333333, 0.6666666666666666, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0});
}

TEST(Schedule, WarmupIsAShareRoundedUpUnlessGivenInSteps) {
  suite::ScheduleConfig by_share;
  by_share.warmup = 0.1;
  EXPECT_EQ(Schedule(by_share, 101).warmup_steps(), 11);
  by_share.warmup_steps = 0;
  EXPECT_EQ(Schedule(by_share, 101).warmup_steps(), 0);
  EXPECT_EQ(Schedule(by_share, 101).factor(0), 1.0);
}

}  // namespace
}  // namespace berth::training

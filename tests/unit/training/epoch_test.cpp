#include "core/training/epoch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace berth::training {
namespace {

std::vector<std::int64_t> seen(const std::vector<StepPlan>& steps, std::size_t task) {
  std::vector<std::int64_t> features;
  for (const auto& step : steps) {
    if (step.task != task) continue;
    for (const auto& batch : step.micro_batches) features.insert(features.end(), batch.begin(), batch.end());
  }
  return features;
}

std::vector<std::int64_t> upto(std::int64_t count) {
  std::vector<std::int64_t> values(count);
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(Epoch, EveryFeatureComesUpOnceWhateverTheSizes) {
  for (std::int64_t size : {1, 2, 7, 8, 9, 63, 64, 65}) {
    for (std::int64_t accumulate : {1, 2, 3}) {
      const auto steps = make_epoch({size, 2 * size}, {.batch_size = 8, .accumulate = accumulate}, 5);
      for (std::size_t task : {0U, 1U}) {
        auto features = seen(steps, task);
        std::sort(features.begin(), features.end());
        EXPECT_EQ(features, upto(static_cast<std::int64_t>(task + 1) * size));
      }
    }
  }
}

TEST(Epoch, WithoutShuffleItIsTheOrderOfTheFile) {
  const auto steps = make_epoch({10, 4}, {.batch_size = 4, .accumulate = 2, .shuffle = false}, 0);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].micro_batches, (std::vector<std::vector<std::int64_t>>{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(steps[1].micro_batches, (std::vector<std::vector<std::int64_t>>{{8, 9}}));
  EXPECT_EQ(steps[2].task, 1U);
}

TEST(Epoch, TheOrderFollowsSeedAndEpochAlone) {
  const EpochOptions options{.batch_size = 4, .accumulate = 1, .shuffle = true, .seed = 7};
  EXPECT_EQ(seen(make_epoch({50}, options, 3), 0), seen(make_epoch({50}, options, 3), 0));
  EXPECT_NE(seen(make_epoch({50}, options, 3), 0), seen(make_epoch({50}, options, 4), 0));
  EpochOptions other = options;
  other.seed = 8;
  EXPECT_NE(seen(make_epoch({50}, options, 3), 0), seen(make_epoch({50}, other, 3), 0));
}

// A task's own order must not hang on which other tasks are in the suite.
TEST(Epoch, AnotherTaskDoesNotChangeATasksOrder) {
  EXPECT_EQ(seen(make_epoch({50}, {}, 1), 0), seen(make_epoch({50, 33}, {}, 1), 0));
}

TEST(Epoch, TasksAreMixedInProportion) {
  const auto steps = make_epoch({3200, 320}, {.batch_size = 32}, 0);
  EXPECT_EQ(std::count_if(steps.begin(), steps.end(), [](const StepPlan& s) { return s.task == 0; }), 100);
  EXPECT_EQ(std::count_if(steps.begin(), steps.end(), [](const StepPlan& s) { return s.task == 1; }), 10);
  // Not one after the other.
  EXPECT_TRUE(std::any_of(steps.begin(), steps.begin() + 55, [](const StepPlan& s) { return s.task == 1; }));
  EXPECT_TRUE(std::any_of(steps.begin() + 55, steps.end(), [](const StepPlan& s) { return s.task == 1; }));
}

}  // namespace
}  // namespace berth::training

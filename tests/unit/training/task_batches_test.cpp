#include "core/training/task_batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace berth::training {
namespace {

std::vector<std::int64_t> epoch_of(TaskBatches& batches, std::int64_t epoch) {
  std::vector<std::int64_t> features;
  for (std::int64_t step = 0; step < batches.steps_per_epoch(); ++step) {
    for (const auto& batch : batches.at(epoch * batches.steps_per_epoch() + step)) {
      features.insert(features.end(), batch.begin(), batch.end());
    }
  }
  return features;
}

std::vector<std::int64_t> upto(std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

TEST(TaskBatches, EveryFeatureComesUpOnceAnEpochWhateverTheSizes) {
  for (std::int64_t size : {1, 2, 7, 8, 9, 63, 64, 65}) {
    for (std::int64_t accumulate : {1, 2, 3}) {
      TaskBatches batches("a", size, {.batch_size = 8, .accumulate = accumulate});
      for (std::int64_t epoch : {0, 1, 5}) {
        auto features = epoch_of(batches, epoch);
        std::sort(features.begin(), features.end());
        EXPECT_EQ(features, upto(size));
      }
    }
  }
}

TEST(TaskBatches, BalancedEveryGroupComesUpAsOften) {
  const std::vector<std::int64_t> groups = {0, 0, 0, 0, 0, 0, 0, 1, 1, 2};  // 7, 2, 1
  TaskBatches batches("a", 10, {.batch_size = 4, .groups = groups});
  EXPECT_EQ(batches.steps_per_epoch(), 3);
  std::vector<std::int64_t> seen(10, 0);
  for (std::int64_t epoch = 0; epoch < 30; ++epoch) {
    std::vector<std::int64_t> counts(3, 0), times(10, 0);
    const auto features = epoch_of(batches, epoch);
    ASSERT_EQ(features.size(), 10U);
    for (const auto f : features) {
      ++counts[static_cast<std::size_t>(groups[static_cast<std::size_t>(f)])];
      ++times[static_cast<std::size_t>(f)];
      ++seen[static_cast<std::size_t>(f)];
    }
    for (const auto count : counts) EXPECT_TRUE(count == 3 || count == 4) << count;
    for (std::size_t f = 0; f < 7; ++f) EXPECT_LE(times[f], 1);
    EXPECT_GE(std::min(times[7], times[8]), 1);
  }
  for (const auto times : seen) EXPECT_GT(times, 4);  // over the epochs everything is learned from
  EXPECT_NEAR(static_cast<double>(seen[9]), 100, 6);
}

TEST(TaskBatches, BalancedGroupsOfOneSizeHaveEveryFeatureOnceAnEpoch) {
  TaskBatches batches("a", 9, {.batch_size = 2, .groups = {0, 1, 2, 0, 1, 2, 0, 1, 2}});
  auto features = epoch_of(batches, 0);
  EXPECT_NE(features, epoch_of(batches, 1));
  std::sort(features.begin(), features.end());
  EXPECT_EQ(features, upto(9));
}

TEST(TaskBatches, WithoutShuffleItIsTheOrderOfTheFile) {
  TaskBatches batches("a", 10, {.batch_size = 4, .accumulate = 2, .shuffle = false});
  EXPECT_EQ(batches.steps_per_epoch(), 2);
  EXPECT_EQ(batches.at(0), (std::vector<MicroBatch>{{0, 1, 2, 3}, {4, 5, 6, 7}}));
  EXPECT_EQ(batches.at(1), (std::vector<MicroBatch>{{8, 9}}));
  EXPECT_EQ(batches.at(2), batches.at(0)) << "the next epoch";
}

TEST(TaskBatches, AStepIsTheSameHoweverOneCameToIt) {
  const BatchOptions options{.batch_size = 4, .accumulate = 1, .shuffle = true, .seed = 7};
  TaskBatches walked("a", 50, options);
  for (std::int64_t step = 0; step < 40; ++step) walked.at(step);
  TaskBatches jumped("a", 50, options);
  EXPECT_EQ(jumped.at(40), walked.at(40));
  EXPECT_EQ(walked.at(3), jumped.at(3)) << "and back";
}

TEST(TaskBatches, TheOrderFollowsSeedNameAndEpoch) {
  const auto order = [](const std::string& task, std::uint64_t seed, std::int64_t epoch) {
    TaskBatches batches(task, 50, {.batch_size = 4, .accumulate = 1, .shuffle = true, .seed = seed});
    return epoch_of(batches, epoch);
  };
  EXPECT_EQ(order("a", 7, 3), order("a", 7, 3));
  EXPECT_NE(order("a", 7, 3), order("a", 7, 4));
  EXPECT_NE(order("a", 7, 3), order("a", 8, 3));
  EXPECT_NE(order("a", 7, 3), order("b", 7, 3));
}

}  // namespace
}  // namespace berth::training

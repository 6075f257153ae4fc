#include "core/training/random.h"

#include <gtest/gtest.h>

#include <map>

namespace berth::training {
namespace {

// SplitMix64 from seed 1234567: the values of the reference implementation (Vigna, splitmix64.c).
TEST(Random, IsSplitMix64) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ULL);
  EXPECT_EQ(random.next(), 3203168211198807973ULL);
  EXPECT_EQ(random.next(), 9817491932198370423ULL);
}

TEST(Random, BelowIsUniform) {
  Random random(1);
  std::map<std::uint64_t, int> counts;
  constexpr int kDraws = 60000;
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(6)];
  ASSERT_EQ(counts.size(), 6U);
  double chi2 = 0;
  for (const auto& [value, count] : counts) chi2 += (count - kDraws / 6.0) * (count - kDraws / 6.0) / (kDraws / 6.0);
  EXPECT_LT(chi2, 20.5);  // 99.9% of 5 degrees of freedom
}

TEST(Random, UniformStaysBelowOneAndHasTheRightMean) {
  Random random(3);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double value = random.uniform();
    ASSERT_TRUE(value >= 0 && value < 1);
    sum += value;
  }
  EXPECT_NEAR(sum / 100000, 0.5, 0.005);  // 5 standard errors
}

TEST(Random, MixDependsOnEveryPartAndItsPlace) {
  EXPECT_NE(mix({1, 2}), mix({2, 1}));
  EXPECT_NE(mix({1, 2}), mix({1, 2, 0}));
  EXPECT_NE(mix({0}), mix({1}));
}

}  // namespace
}  // namespace berth::training

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/statistics/resampling.h"
#include "core/statistics/sample.h"
#include "core/statistics/variance.h"

namespace berth::statistics {
namespace {

using ::testing::ElementsAre;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double mean_of(const std::vector<double>& values, const std::vector<std::size_t>& picks) {
  double sum = 0;
  for (const auto pick : picks) sum += values[pick];
  return sum / static_cast<double>(picks.size());
}

TEST(Sample, OneValueHasAMeanAndNoSpread) {
  EXPECT_EQ(mean({0.5}), 0.5);
  EXPECT_TRUE(std::isnan(deviation({0.5})));
  EXPECT_TRUE(std::isnan(t_interval({0.5}).low));
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(quantile({}, 0.5)));
}

TEST(Sample, EqualValuesHaveAnIntervalOfOnePoint) {
  EXPECT_EQ(deviation({0.25, 0.25, 0.25}), 0);
  EXPECT_EQ(t_interval({0.25, 0.25, 0.25}).low, 0.25);
  EXPECT_EQ(t_interval({0.25, 0.25, 0.25}).high, 0.25);
}

TEST(Sample, IntervalIsStudents) {
  // t of two degrees of freedom at 97.5%: 4.3027 (tables).
  const auto interval = t_interval({1, 2, 3});
  EXPECT_NEAR(interval.high - 2, 4.302653 / std::sqrt(3), 1e-6);
  EXPECT_LT(t_interval({1, 2, 3}, 0.5).high, interval.high);
}

TEST(Sample, NotANumberSpreads) {
  EXPECT_TRUE(std::isnan(mean({1, kNaN})));
  EXPECT_TRUE(std::isnan(deviation({1, kNaN})));
  EXPECT_TRUE(std::isnan(quantile({1, kNaN}, 0.5)));
  EXPECT_TRUE(std::isnan(levene({{1, 2, kNaN}, {1, 2, 3}}).p));
}

TEST(Variance, LeveneSeesSpreadAndNotPlace) {
  const std::vector<double> steady = {0.80, 0.81, 0.80, 0.79, 0.80};
  const std::vector<double> loose = {0.60, 0.95, 0.70, 0.85, 0.50};
  EXPECT_LT(levene({steady, loose}).p, 0.05);
  const std::vector<double> elsewhere = {0.30, 0.31, 0.30, 0.29, 0.30};
  EXPECT_GT(levene({steady, elsewhere}).p, 0.9);
}

TEST(Variance, LeveneNeedsTwoGroupsAndSomeSpread) {
  EXPECT_TRUE(std::isnan(levene({{1, 2, 3}}).p));
  EXPECT_TRUE(std::isnan(levene({{1, 2, 3}, {}}).p));
  EXPECT_TRUE(std::isnan(levene({{1, 1}, {2, 2}}).p));
  EXPECT_TRUE(std::isnan(levene({{1}, {2}}).p));  // as many groups as values
}

TEST(Variance, EffectGoesFromNothingToEverything) {
  EXPECT_EQ(main_effect({{1, 1}, {2, 2}}).eta_squared, 1);
  EXPECT_EQ(main_effect({{1, 1}, {2, 2}}).test.p, 0);
  EXPECT_EQ(main_effect({{1, 2}, {1, 2}}).eta_squared, 0);
  EXPECT_EQ(main_effect({{1, 2}, {1, 2}}).test.p, 1);
  EXPECT_TRUE(std::isnan(main_effect({{1, 1}, {1, 1}}).eta_squared));
  EXPECT_TRUE(std::isnan(main_effect({}).eta_squared));
}

TEST(Variance, BinsAreOfEqualSizeAndKeepEqualValuesTogether) {
  EXPECT_THAT(quantile_bins({4, 1, 3, 2}, 2), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(quantile_bins({1, 1, 1, 2}, 2), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(quantile_bins({}, 2), ElementsAre());
}

TEST(Resampling, BootstrapHoldsTheMeanAndRepeats) {
  std::vector<double> values;
  for (int i = 0; i < 100; ++i) values.push_back(i % 4 == 0 ? 0 : 1);
  const auto score = [&](const auto& picks) { return mean_of(values, picks); };
  const auto interval = percentile_interval(bootstrap_scores(values.size(), score, {}));
  // Binomial: 0.75 +- 1.96 * sqrt(0.75 * 0.25 / 100).
  EXPECT_NEAR(interval.low, 0.665, 0.02);
  EXPECT_NEAR(interval.high, 0.835, 0.02);
  EXPECT_EQ(percentile_interval(bootstrap_scores(values.size(), score, {})).low, interval.low);
  EXPECT_TRUE(bootstrap_scores(0, score, {}).empty());
  EXPECT_TRUE(std::isnan(percentile_interval({}).low));
  EXPECT_TRUE(std::isnan(percentile_interval({kNaN, kNaN}).low));
  EXPECT_EQ(percentile_interval({1, kNaN, 1}).high, 1);
}

TEST(Resampling, EqualSystemsDoNotDiffer) {
  const std::vector<double> values = {1, 0, 1, 1, 0, 1};
  const auto score = [&](const auto& picks) { return mean_of(values, picks); };
  const auto difference = paired_bootstrap(values.size(), score, score, {});
  EXPECT_EQ(difference.value, 0);
  EXPECT_EQ(difference.p, 1);
  EXPECT_EQ(approximate_randomisation(values.size(), [](const auto&) { return 0.0; }, {}), 1);
}

TEST(Resampling, ADifferenceAtEveryExampleIsNoChance) {
  const std::vector<double> good(50, 1);
  std::vector<double> bad(50, 0);
  bad[7] = 1;
  const auto first = [&](const auto& picks) { return mean_of(good, picks); };
  const auto second = [&](const auto& picks) { return mean_of(bad, picks); };
  const auto difference = paired_bootstrap(good.size(), first, second, {});
  EXPECT_NEAR(difference.value, 0.98, 1e-12);
  EXPECT_NEAR(difference.p, 1.0 / 1001, 1e-12);
  EXPECT_GT(difference.interval.low, 0.9);
  const auto exchanged = [&](const std::vector<bool>& is_exchanged) {
    double sum = 0;
    for (std::size_t i = 0; i < good.size(); ++i) sum += (is_exchanged[i] ? -1 : 1) * (good[i] - bad[i]);
    return sum / static_cast<double>(good.size());
  };
  EXPECT_NEAR(approximate_randomisation(good.size(), exchanged, {}), 1.0 / 1001, 1e-12);
  const auto undefined = [](const auto&) { return kNaN; };
  EXPECT_TRUE(std::isnan(approximate_randomisation(good.size(), undefined, {})));
  EXPECT_TRUE(std::isnan(paired_bootstrap(good.size(), undefined, second, {}).p));
}

}  // namespace
}  // namespace berth::statistics

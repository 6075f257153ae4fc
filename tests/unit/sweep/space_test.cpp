#include "core/sweep/space.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

namespace berth::sweep {
namespace {

using ::testing::ElementsAre;

suite::SweepSetting listed(const std::string& name, const std::vector<std::string>& values) {
  suite::SweepSetting setting{name, {}, std::nullopt, {}};
  for (const auto& value : values) setting.choices.push_back({value, std::stod(value), {name + "=" + value}});
  return setting;
}

suite::SweepSetting between(const std::string& name, const suite::SweepRange& range) { return {name, {}, range, {}}; }

std::vector<std::string> descriptions(const suite::SweepConfig& config) {
  std::vector<std::string> texts;
  for (const auto& point : points(config)) texts.push_back(describe(config, point));
  return texts;
}

TEST(Space, GridHasEveryCombinationOnce) {
  suite::SweepConfig config;
  config.settings = {listed("a", {"1", "2", "1"}), between("b", {1, 100, suite::SweepScale::kLog, 3, false})};
  EXPECT_THAT(descriptions(config),
              ElementsAre("a=1 b=1.0", "a=1 b=10.0", "a=1 b=100.0", "a=2 b=1.0", "a=2 b=10.0", "a=2 b=100.0"));
}

TEST(Space, SeedsAloneAreOnePoint) {
  suite::SweepConfig config;
  config.seeds = {1, 2};
  EXPECT_THAT(descriptions(config), ElementsAre("as the suite says"));
  config.search = suite::Search::kRandom;
  EXPECT_THAT(descriptions(config), ElementsAre("as the suite says"));
}

TEST(Space, DrawsRepeatAndGrowAtTheirEnd) {
  suite::SweepConfig config;
  config.search = suite::Search::kRandom;
  config.settings = {between("a", {1e-5, 1e-3, suite::SweepScale::kLog, 0, false}),
                     between("b", {1, 3, suite::SweepScale::kLinear, 0, true})};
  config.trials = 5;
  const auto few = descriptions(config);
  ASSERT_EQ(few.size(), 5U);
  config.trials = 200;
  const auto many = descriptions(config);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  config.seed = 43;
  EXPECT_NE(descriptions(config), many);
}

TEST(Space, LogRangesAreDrawnEvenlyOverTheirPowers) {
  suite::SweepConfig config;
  config.search = suite::Search::kRandom;
  config.settings = {between("a", {1e-5, 1e-3, suite::SweepScale::kLog, 0, false})};
  config.trials = 400;
  int low = 0;
  for (const auto& point : points(config)) {
    EXPECT_GE(point[0].number, 1e-5);
    EXPECT_LE(point[0].number, 1e-3);
    low += point[0].number < 1e-4 ? 1 : 0;
  }
  EXPECT_NEAR(low, 200, 50);  // five deviations
}

TEST(Space, IntegersAreDrawnWithBothEnds) {
  suite::SweepConfig config;
  config.search = suite::Search::kRandom;
  config.settings = {between("a", {1, 4, suite::SweepScale::kLinear, 0, true})};
  config.trials = 50;
  // Four there are, and no more are found.
  std::set<std::string> sets;
  for (const auto& point : points(config)) sets.insert(point[0].sets.at(0));
  EXPECT_THAT(sets, ElementsAre("a=1", "a=2", "a=3", "a=4"));
}

}  // namespace
}  // namespace berth::sweep

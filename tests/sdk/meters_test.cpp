#include "berth/kit/meters.h"

#include <cmath>
#include <limits>
#include <sstream>

#include "score_case.h"
#include "support.h"

namespace berth::kit {
namespace {

using test::expect_error;

Json stored_cases() {
  std::ifstream file(BERTH_TEST_DATA "/metrics.json");
  std::stringstream text;
  text << file.rdbuf();
  return parse_json(text.str());
}

TEST(Meters, GiveTheScoresOfSklearnAndScipy) {
  const Json cases = stored_cases();
  ASSERT_GE(cases.as_array().size(), 15U);
  for (std::size_t i = 0; i < cases.as_array().size(); ++i) {
    const Json& one = cases.as_array()[i];
    const Json& expected = one.at("scores");
    const test::Scores scores = test::score_case(one, 1);
    EXPECT_EQ(scores.size(), expected.as_object().size());
    for (const auto& [name, value] : scores) {
      const Json& stored = expected.at(name);
      if (stored.is_null()) {
        EXPECT_FALSE(std::isfinite(value)) << "case " << i << ", " << name;
      } else {
        EXPECT_NEAR(value, stored.as_double(), 1e-14 * std::max(1.0, std::abs(stored.as_double())))
            << "case " << i << ", " << name;
      }
    }
  }
}

TEST(Meters, PartsMergedScoreExactlyAsTheWhole) {
  const Json cases = stored_cases();
  for (const Json& one : cases.as_array()) {
    const test::Scores whole = test::score_case(one, 1);
    for (const int parts : {2, 3, 7}) {
      const test::Scores merged = test::score_case(one, parts);
      ASSERT_EQ(merged.size(), whole.size());
      for (std::size_t i = 0; i < whole.size(); ++i) {
        EXPECT_TRUE(merged[i].second == whole[i].second ||
                    (std::isnan(merged[i].second) && std::isnan(whole[i].second)))
            << whole[i].first << ": " << merged[i].second << " and " << whole[i].second;
      }
    }
  }
}

TEST(Meters, WithoutExamplesEverythingIsUndefined) {
  EXPECT_TRUE(std::isnan(ConfusionMeter().accuracy()));
  EXPECT_TRUE(std::isnan(ConfusionMeter().matthews()));
  EXPECT_TRUE(std::isnan(ConfusionMeter().averages().macro.f1));
  EXPECT_TRUE(std::isnan(ConfusionMeter().of("a").f1));
  EXPECT_TRUE(std::isnan(MultiLabelMeter().averages().micro.f1));
  EXPECT_TRUE(std::isnan(RegressionMeter().pearson()));
  EXPECT_TRUE(std::isnan(RegressionMeter().mean_squared_error()));
}

TEST(Meters, OneLabelsOwnScores) {
  ConfusionMeter meter;
  meter.add("yes", "yes");
  meter.add("yes", "no");
  meter.add("yes", "no");
  meter.add("no", "yes");
  EXPECT_DOUBLE_EQ(meter.of("yes").precision, 1.0 / 2);
  EXPECT_DOUBLE_EQ(meter.of("yes").recall, 1.0 / 3);
  EXPECT_DOUBLE_EQ(meter.of("yes").f1, 0.4);
  EXPECT_EQ(meter.of("never").f1, 0);
  EXPECT_EQ(meter.examples(), 4);
}

TEST(Meters, NumbersThatAreNoneGiveNaN) {
  RegressionMeter meter;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (int i = 0; i < 100; ++i) meter.add(i, i % 7 == 0 ? nan : -i);
  EXPECT_TRUE(std::isnan(meter.pearson()));
  EXPECT_TRUE(std::isnan(meter.spearman()));
  EXPECT_TRUE(std::isnan(meter.mean_squared_error()));
}

TEST(Meters, ForeignStatesAreRefused) {
  expect_error(ErrorKind::kContent, {}, [] { ConfusionMeter().merge("{}"); });
  expect_error(ErrorKind::kContent, {"state"}, [] { ConfusionMeter().merge("[[1]]"); });
  expect_error(ErrorKind::kContent, {}, [] { MultiLabelMeter().merge("[]"); });
  expect_error(ErrorKind::kContent, {"state"}, [] { RegressionMeter().merge("123"); });
}

}  // namespace
}  // namespace berth::kit

// What people are shown of the classification plugin's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "plugins/classification/display.h"

namespace berth::classification {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ClassificationExample example(const std::string& json) {
  ClassificationExample made(kit::parse_record(json, {"dev.jsonl", 3, 0}));
  made.text = kit::parse_json(json).as_object().front().value.as_string();
  made.maps = std::make_shared<const LabelMaps>();
  return made;
}

ClassificationPrediction answer(Kind kind, const std::vector<double>& probabilities) {
  std::vector<double> logits;
  for (const double p : probabilities) {
    logits.push_back(kind == Kind::kMultiLabel ? std::log(p / (1 - p)) : std::log(p));
  }
  const auto labels = std::make_shared<const kit::LabelSet>(kit::LabelSet::listed({"complaint", "order", "praise"}));
  return {DecisionRule{kind}, labels, logits};
}

TEST(ClassificationDisplay, ALabelThatIsWrong) {
  auto own = example(R"({"message": "The tour was sold as step-free.", "label": "complaint"})");
  own.labels = {"complaint"};
  const Shown shown = show_answer(own, answer(Kind::kSingleLabel, {0.45, 0.08, 0.47}));
  ASSERT_EQ(shown.texts.size(), 1U);
  EXPECT_EQ(shown.texts[0].title, "message");
  EXPECT_EQ(shown.texts[0].text, "The tour was sold as step-free.");
  EXPECT_EQ(shown.answer, "praise (0.47)");
  EXPECT_EQ(shown.truth, "complaint");
  EXPECT_NEAR(shown.error, -std::log(0.45), 1e-12);
  EXPECT_EQ(shown.reason, "got 'praise' 0.47; 'complaint', which is right, 0.45");
  ASSERT_EQ(shown.decisions.size(), 1U);
  EXPECT_EQ(shown.decisions[0].truth, "complaint");
  EXPECT_EQ(shown.decisions[0].answer, "praise");
  EXPECT_FALSE(shown.decisions[0].is_right);
  EXPECT_NEAR(shown.decisions[0].confidence, 0.47, 1e-12);
}

TEST(ClassificationDisplay, ALabelThatIsRightOrNotKnown) {
  auto own = example(R"({"text": "Lovely.", "label": "praise"})");
  const auto said = answer(Kind::kSingleLabel, {0.1, 0.2, 0.7});
  const Shown unknown = show_answer(own, said);
  EXPECT_EQ(unknown.answer, "praise (0.70)");
  EXPECT_EQ(unknown.truth, "");
  EXPECT_EQ(unknown.error, 0);
  EXPECT_THAT(unknown.decisions, IsEmpty());
  own.labels = {"praise"};
  const Shown right = show_answer(own, said);
  EXPECT_EQ(right.error, 0);
  EXPECT_EQ(right.reason, "");
  EXPECT_TRUE(right.decisions.at(0).is_right);
}

TEST(ClassificationDisplay, AnAnswerThatLeavesTheTruthNoProbabilityIsFinitelyWrong) {
  auto own = example(R"({"text": "Lovely."})");
  own.labels = {"order"};
  const auto labels = std::make_shared<const kit::LabelSet>(kit::LabelSet::listed({"complaint", "order"}));
  const Shown shown = show_answer(own, {DecisionRule{}, labels, {2000, 0}});
  EXPECT_TRUE(std::isfinite(shown.error));
  EXPECT_GT(shown.error, 700);
}

TEST(ClassificationDisplay, PairsHaveTheNamesOfTheirFields) {
  auto own = example(R"({"premise": "It rains.", "hypothesis": "It rains.", "other": "It rains."})");
  own.pair = "It rains.";
  const Shown shown = show_answer(own, answer(Kind::kSingleLabel, {0.1, 0.2, 0.7}));
  ASSERT_EQ(shown.texts.size(), 2U);
  EXPECT_EQ(shown.texts[0].title, "premise");
  EXPECT_EQ(shown.texts[1].title, "hypothesis");
}

TEST(ClassificationDisplay, SeveralLabels) {
  auto own = example(R"({"text": "Where is my order? It is late."})");
  own.labels = {"order", "complaint"};
  const Shown shown = show_answer(own, answer(Kind::kMultiLabel, {0.25, 0.9, 0.8}));
  EXPECT_EQ(shown.answer, "order (0.90), praise (0.80)");
  EXPECT_EQ(shown.truth, "complaint, order");
  EXPECT_EQ(shown.reason, "missed 'complaint' 0.25; wrongly gave 'praise' 0.80");
  EXPECT_NEAR(shown.error, -std::log(0.25) - std::log(0.2), 1e-9);
  ASSERT_EQ(shown.decisions.size(), 3U);
  EXPECT_EQ(shown.decisions[0].truth, "complaint");
  EXPECT_EQ(shown.decisions[0].answer, "");
  EXPECT_TRUE(std::isnan(shown.decisions[0].confidence));
  EXPECT_TRUE(shown.decisions[1].is_right);
  EXPECT_NEAR(shown.decisions[1].confidence, 0.9, 1e-12);
  EXPECT_EQ(shown.decisions[2].truth, "");
  EXPECT_EQ(shown.decisions[2].answer, "praise");
}

TEST(ClassificationDisplay, NoneOfSeveralLabels) {
  auto own = example(R"({"text": "Hm."})");
  own.labels.emplace();
  const Shown shown = show_answer(own, answer(Kind::kMultiLabel, {0.1, 0.2, 0.3}));
  EXPECT_EQ(shown.answer, "none");
  EXPECT_EQ(shown.truth, "none");
  EXPECT_EQ(shown.error, 0);
  EXPECT_THAT(shown.decisions, IsEmpty());
}

TEST(ClassificationDisplay, LabelsAreThoseThatMetricsCompare) {
  auto own = example(R"({"text": "Hm."})");
  own.maps = std::make_shared<const LabelMaps>(LabelMaps{{}, {{"complaint", "bad"}, {"order", "bad"}}});
  own.labels = {"bad"};
  const Shown right = show_answer(own, answer(Kind::kSingleLabel, {0.5, 0.2, 0.3}));
  EXPECT_EQ(right.answer, "bad (0.70)");
  EXPECT_EQ(right.error, 0);
  const Shown wrong = show_answer(own, answer(Kind::kSingleLabel, {0.3, 0.2, 0.5}));
  EXPECT_NEAR(wrong.error, -std::log(0.5), 1e-12);
}

TEST(ClassificationDisplay, Numbers) {
  auto own = example(R"({"text": "Three stars."})");
  const ClassificationPrediction said({Kind::kRegression}, std::make_shared<const kit::LabelSet>(), {3.5});
  EXPECT_EQ(show_answer(own, said).truth, "");
  own.number = 4.75;
  const Shown shown = show_answer(own, said);
  EXPECT_EQ(shown.answer, "3.50");
  EXPECT_EQ(shown.truth, "4.75");
  EXPECT_EQ(shown.error, 1.25);
  EXPECT_EQ(shown.reason, "1.25 too low");
  EXPECT_THAT(shown.decisions, IsEmpty());
}

}  // namespace
}  // namespace berth::classification

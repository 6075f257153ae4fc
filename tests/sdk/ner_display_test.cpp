// What people are shown of the ner plugin's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "plugins/ner/display.h"

namespace berth::ner {
namespace {

using testing::IsEmpty;

// "Zoë Åberg bought a coffee pot in Skipton"
NerExample sentence() {
  NerExample example(kit::parse_record("{}", {"dev.jsonl", 1, 0}));
  set_split_words(example, {"Zoë", "Åberg", "bought", "a", "coffee", "pot", "in", "Skipton"});
  return example;
}

PredictedEntity entity(std::size_t begin, std::size_t end, const std::string& type, double probability) {
  PredictedEntity found;
  found.words = {begin, end, type};
  found.probability = probability;
  return found;
}

Shown show(const NerExample& example, std::vector<PredictedEntity> found) {
  return show_answer(example, NerPrediction(example, std::make_shared<const kit::TagSet>(), {}, std::move(found)));
}

std::string marked(const Shown& shown, std::size_t mark) {
  const Mark& bytes = shown.texts.at(0).marks.at(mark);
  return shown.texts[0].text.substr(bytes.begin, bytes.end - bytes.begin);
}

TEST(NerDisplay, RightEntitiesAreMarkedTwice) {
  auto own = sentence();
  own.entities = {{0, 2, "person"}, {7, 8, "place"}};
  const Shown shown = show(own, {entity(0, 2, "person", 0.9), entity(7, 8, "place", 0.8)});
  ASSERT_EQ(shown.texts.size(), 1U);
  ASSERT_EQ(shown.texts[0].marks.size(), 4U);
  EXPECT_EQ(marked(shown, 0), "Zoë Åberg") << "bytes, not code points";
  EXPECT_EQ(marked(shown, 1), "Skipton");
  EXPECT_EQ(shown.texts[0].marks[0].kind, MarkKind::kAnswer);
  EXPECT_EQ(shown.texts[0].marks[0].label, "person");
  EXPECT_EQ(shown.texts[0].marks[3].kind, MarkKind::kTruth);
  EXPECT_EQ(marked(shown, 3), "Skipton");
  EXPECT_EQ(shown.answer, "person 'Zoë Åberg', place 'Skipton'");
  EXPECT_EQ(shown.truth, shown.answer);
  EXPECT_EQ(shown.error, 0);
  EXPECT_EQ(shown.reason, "");
  ASSERT_EQ(shown.decisions.size(), 2U);
  EXPECT_TRUE(shown.decisions[1].is_right);
  EXPECT_EQ(shown.decisions[1].confidence, 0.8);
}

TEST(NerDisplay, MissedAndInvented) {
  auto own = sentence();
  own.entities = {{4, 6, "product"}};
  const Shown shown = show(own, {entity(7, 8, "place", 0.75)});
  EXPECT_EQ(shown.reason, "invented place 'Skipton'; missed product 'coffee pot'");
  EXPECT_EQ(shown.error, 1.75);
  ASSERT_EQ(shown.decisions.size(), 2U);
  EXPECT_EQ(shown.decisions[0].truth, "");
  EXPECT_EQ(shown.decisions[0].answer, "place");
  EXPECT_EQ(shown.decisions[1].truth, "product");
  EXPECT_EQ(shown.decisions[1].answer, "");
  EXPECT_TRUE(std::isnan(shown.decisions[1].confidence));
}

TEST(NerDisplay, AnotherTypeIsOneDecision) {
  auto own = sentence();
  own.entities = {{7, 8, "place"}};
  const Shown shown = show(own, {entity(7, 8, "person", 0.5)});
  EXPECT_EQ(shown.reason, "'Skipton' is place, not person");
  EXPECT_EQ(shown.error, 1.5);
  ASSERT_EQ(shown.decisions.size(), 1U);
  EXPECT_EQ(shown.decisions[0].truth, "place");
  EXPECT_EQ(shown.decisions[0].answer, "person");
  EXPECT_FALSE(shown.decisions[0].is_right);
}

TEST(NerDisplay, OtherBordersAreAMissAndAnInvention) {
  auto own = sentence();
  own.entities = {{4, 6, "product"}};
  const Shown shown = show(own, {entity(5, 6, "product", 0.5)});
  EXPECT_EQ(shown.reason, "product 'pot' should be product 'coffee pot'");
  ASSERT_EQ(shown.decisions.size(), 2U);
  EXPECT_EQ(shown.decisions[0].answer, "");
  EXPECT_EQ(shown.decisions[1].truth, "");
  EXPECT_EQ(shown.error, 1.5);
}

// The entity that is right is not held against the other one, which overlaps it and comes first.
TEST(NerDisplay, EqualEntitiesArePairedFirst) {
  auto own = sentence();
  own.entities = {{4, 6, "product"}};
  const Shown shown = show(own, {entity(3, 5, "product", 0.5), entity(4, 6, "product", 0.9)});
  EXPECT_EQ(shown.reason, "invented product 'a coffee'");
  EXPECT_EQ(shown.error, 0.5);
}

TEST(NerDisplay, ManyReasonsAreCounted) {
  auto own = sentence();
  own.entities.emplace();
  for (std::size_t i = 0; i < 8; ++i) own.entities->push_back({i, i + 1, "word"});
  const Shown shown = show(own, {});
  EXPECT_TRUE(shown.reason.starts_with("missed word 'Zoë'; ")) << shown.reason;
  EXPECT_TRUE(shown.reason.ends_with("'coffee'; and 3 more")) << shown.reason;
  EXPECT_EQ(shown.error, 8);
  EXPECT_EQ(shown.answer, "nothing");
}

TEST(NerDisplay, WithoutEntitiesNothingIsJudged) {
  const Shown shown = show(sentence(), {entity(7, 8, "place", 0.75)});
  EXPECT_EQ(shown.texts[0].marks.size(), 1U);
  EXPECT_EQ(shown.truth, "");
  EXPECT_EQ(shown.error, 0);
  EXPECT_THAT(shown.decisions, IsEmpty());
}

}  // namespace
}  // namespace berth::ner

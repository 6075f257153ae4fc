// What people are shown of the qa plugin's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "plugins/qa/display.h"
#include "qa_support.h"

namespace berth::qa {
namespace {

using test::question;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kContext = "Café Åse: the lamp was made by Anna, and costs twelve euros.";

Candidate candidate(const std::string& text, double score) {
  const auto begin = static_cast<std::uint32_t>(kContext.find(text));
  return {{begin, begin + static_cast<std::uint32_t>(text.size())}, score};
}

std::vector<std::string> marked(const Shown& shown, MarkKind kind) {
  std::vector<std::string> texts;
  for (const Mark& mark : shown.texts.at(1).marks) {
    if (mark.kind == kind) texts.push_back(shown.texts[1].text.substr(mark.begin, mark.end - mark.begin));
  }
  return texts;
}

TEST(QaDisplay, AnAnswerThatIsPartlyRight) {
  const auto own = question("what does it cost?", kContext, "twelve euros");
  own->answers->push_back(own->answers->front());  // two annotators
  const Shown shown = show_answer(*own, QaPrediction(kContext, {candidate("costs twelve euros", 3)}, std::nullopt));
  ASSERT_EQ(shown.texts.size(), 2U);
  EXPECT_EQ(shown.texts[0].text, "what does it cost?");
  EXPECT_EQ(shown.texts[1].title, "context");
  EXPECT_THAT(marked(shown, MarkKind::kAnswer), ElementsAre("costs twelve euros")) << "bytes, not code points";
  EXPECT_THAT(marked(shown, MarkKind::kTruth), ElementsAre("twelve euros"));
  EXPECT_EQ(shown.answer, "costs twelve euros");
  EXPECT_EQ(shown.truth, "twelve euros");
  EXPECT_NEAR(shown.error, 1 - 0.8, 1e-12);  // precision 2/3, recall 1
  EXPECT_EQ(shown.reason, "got 'costs twelve euros'; 'twelve euros' is right, which shares words with it (F1 0.80)");
  ASSERT_EQ(shown.decisions.size(), 1U);
  EXPECT_FALSE(shown.decisions[0].is_right);
  EXPECT_EQ(shown.decisions[0].truth, "answer");
  EXPECT_EQ(shown.decisions[0].answer, "answer");
}

TEST(QaDisplay, ConfidenceIsThatOfTheAnswerAmongTheBest) {
  const auto own = question("who made it?", kContext, "Anna");
  const QaPrediction said(kContext, {candidate("Anna", 3), candidate("by Anna", 2)}, NoAnswer{1, 0});
  const Shown shown = show_answer(*own, said);
  EXPECT_EQ(shown.error, 0);
  EXPECT_EQ(shown.reason, "");
  EXPECT_TRUE(shown.decisions.at(0).is_right);
  EXPECT_NEAR(shown.decisions[0].confidence, 1 / (1 + std::exp(-1.0) + std::exp(-2.0)), 1e-9);
}

TEST(QaDisplay, NoAnswerWhereThereIsOne) {
  const auto own = question("who made it?", kContext, "Anna");
  own->answers->push_back({"Anna herself", std::nullopt});
  const Shown shown = show_answer(*own, QaPrediction(kContext, {candidate("Anna", 1)}, NoAnswer{3, 0}));
  EXPECT_THAT(marked(shown, MarkKind::kAnswer), IsEmpty());
  EXPECT_EQ(shown.answer, "no answer");
  EXPECT_EQ(shown.truth, "Anna / Anna herself");
  EXPECT_EQ(shown.error, 1);
  EXPECT_EQ(shown.reason, "no answer was found; 'Anna' is right");
  EXPECT_EQ(shown.decisions.at(0).truth, "answer");
  EXPECT_EQ(shown.decisions[0].answer, "");
  EXPECT_NEAR(shown.decisions[0].confidence, 1 / (1 + std::exp(-2.0)), 1e-9);
}

TEST(QaDisplay, AnAnswerWhereThereIsNone) {
  const auto own = question("who sold it?", kContext);
  const Shown shown = show_answer(*own, QaPrediction(kContext, {candidate("Anna", 3)}, NoAnswer{1, 0}));
  EXPECT_EQ(shown.truth, "no answer");
  EXPECT_EQ(shown.error, 1);
  EXPECT_EQ(shown.reason, "there is no answer in the context, but 'Anna' was given");
  EXPECT_EQ(shown.decisions.at(0).truth, "");
  EXPECT_EQ(shown.decisions[0].answer, "answer");
}

TEST(QaDisplay, NoAnswerWhereThereIsNoneIsRight) {
  const auto own = question("who sold it?", kContext);
  const Shown shown = show_answer(*own, QaPrediction(kContext, {candidate("Anna", 1)}, NoAnswer{3, 0}));
  EXPECT_EQ(shown.error, 0);
  EXPECT_TRUE(shown.decisions.at(0).is_right);
}

TEST(QaDisplay, WithoutAnswersNothingIsJudged) {
  const auto own = question("who made it?", kContext);
  own->answers.reset();
  for (const auto& candidates : {std::vector<Candidate>{candidate("Anna", 1)}, std::vector<Candidate>()}) {
    const Shown shown = show_answer(*own, QaPrediction(kContext, candidates, std::nullopt));
    EXPECT_EQ(shown.answer, candidates.empty() ? "no answer" : "Anna");
    EXPECT_EQ(shown.truth, "");
    EXPECT_EQ(shown.error, 0);
    EXPECT_THAT(shown.decisions, IsEmpty());
  }
}

}  // namespace
}  // namespace berth::qa

// What people are shown of the seq2seq plugin's answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "plugins/seq2seq/display.h"

namespace berth::seq2seq {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Seq2SeqExample example(const std::string& source) {
  Seq2SeqExample made(kit::parse_record("{}", {"dev.tsv", 2, 0}));
  made.source = source;
  return made;
}

Shown show(const Seq2SeqExample& own, Answer answer) { return show_answer(own, Seq2SeqPrediction(std::move(answer))); }

// "LINK:text" of each mark.
std::vector<std::string> marked(const ShownText& text) {
  std::vector<std::string> marks;
  for (const Mark& mark : text.marks) {
    marks.push_back(std::to_string(mark.link) + ":" + text.text.substr(mark.begin, mark.end - mark.begin));
  }
  return marks;
}

TEST(Seq2SeqDisplay, CopiesAreLinked) {
  // Counted with punctuation as words of their own: "two"(0) "jars"(1) ","(2) ... "honey"(5)
  const auto own = example("two jars, of chestnut honey, and jars.");
  Answer answer;
  answer.text = "[order two jars [item chestnut honey ]";
  answer.tokens = {{"[order", {}}, {"two", 0}, {"jars", 1}, {"[item", {}}, {"chestnut", 4}, {"honey", 5}, {"]", {}}};
  const Shown shown = show(own, answer);
  ASSERT_EQ(shown.texts.size(), 2U);
  EXPECT_EQ(shown.texts[0].title, "source");
  EXPECT_EQ(shown.texts[1].title, "prediction");
  EXPECT_THAT(marked(shown.texts[0]), ElementsAre("1:two jars", "2:chestnut honey"));
  EXPECT_THAT(marked(shown.texts[1]), ElementsAre("1:two jars", "2:chestnut honey"));
  EXPECT_EQ(shown.texts[0].marks[0].kind, MarkKind::kSource);
  EXPECT_EQ(shown.texts[1].marks[0].kind, MarkKind::kAnswer);
  EXPECT_EQ(shown.answer, answer.text);
}

TEST(Seq2SeqDisplay, WordsAreCountedAsTheyStandWhereTheTaskDoesSo) {
  const auto own = example("two jars, of honey");
  Answer answer;
  answer.text = "honey jars,";
  answer.tokens = {{"honey", 3}, {"jars,", 1}};
  const Shown shown = show(own, answer);
  EXPECT_THAT(marked(shown.texts[0]), ElementsAre("1:honey", "2:jars,"));
  EXPECT_THAT(marked(shown.texts[1]), ElementsAre("1:honey", "2:jars,"));
}

TEST(Seq2SeqDisplay, PunctuationThatWasSplitOffIsNoPartOfACopy) {
  Answer answer;
  answer.text = "[name Baptiste ]";
  answer.tokens = {{"[name", {}}, {"Baptiste", 2}, {"]", {}}};
  EXPECT_THAT(marked(show(example("for Mr Baptiste."), answer).texts[0]), ElementsAre("1:Baptiste"));
}

TEST(Seq2SeqDisplay, PiecesOfAWordAreOneCopy) {
  const auto own = example("playing some Blues");
  Answer answer;
  answer.text = "playing blues";
  answer.tokens = {{"play", 0}, {"##ing", 0}, {"blues", 2}};
  const Shown shown = show(own, answer);
  EXPECT_THAT(marked(shown.texts[0]), ElementsAre("1:playing", "2:Blues"));
  EXPECT_THAT(marked(shown.texts[1]), ElementsAre("1:playing", "2:blues"));
}

TEST(Seq2SeqDisplay, AWordCopiedTwiceIsTwoCopies) {
  const auto own = example("more honey");
  Answer answer;
  answer.text = "honey honey";
  answer.tokens = {{"honey", 1}, {"honey", 1}};
  const Shown shown = show(own, answer);
  EXPECT_THAT(marked(shown.texts[0]), ElementsAre("1:honey", "2:honey"));
  EXPECT_EQ(shown.texts[1].marks.at(1).begin, 6U);
}

TEST(Seq2SeqDisplay, SaysWhereAnswersDiffer) {
  const struct {
    const char* answer;
    const char* reason;
  } cases[] = {
      {"[a honey ] [b jar ]", ""},
      {"[a honey ] [b honey ]", "'honey' stands where 'jar' should"},
      {"[a honey ] [b ]", "'jar' is missing after '[b'"},
      {"honey ] [b jar ]", "'[a' is missing at the beginning"},
      {"[a honey honey ] [b jar ]", "'honey' is too much after 'honey'"},
      {"", "'[a honey ] [b jar ]' is missing at the beginning"},
  };
  for (const auto& one : cases) {
    Answer answer;
    answer.text = one.answer;
    answer.score = std::log(0.25);
    answer.reference = "[a honey ] [b jar ]";
    const Shown shown = show(example("honey jar"), answer);
    EXPECT_EQ(shown.reason, one.reason);
    EXPECT_EQ(shown.error > 0, *one.reason != '\0') << one.answer;
    EXPECT_EQ(shown.truth, "[a honey ] [b jar ]");
    ASSERT_EQ(shown.decisions.size(), 1U);
    EXPECT_EQ(shown.decisions[0].is_right, *one.reason == '\0');
    EXPECT_NEAR(shown.decisions[0].confidence, 0.25, 1e-12);
  }
}

TEST(Seq2SeqDisplay, ErrorIsOneMinusRougeL) {
  Answer answer;
  answer.text = "a b c d";
  answer.reference = "b a d";  // "b d" or "a d" in common
  EXPECT_NEAR(show(example("x"), answer).error, 1 - 2 * 2.0 / (4 + 3), 1e-12);
  answer.text = "";
  answer.reference = "";
  EXPECT_EQ(show(example("x"), answer).error, 0);
}

TEST(Seq2SeqDisplay, WithoutATargetNothingIsJudged) {
  Answer answer;
  answer.text = "a b";
  const Shown shown = show(example("x"), answer);
  EXPECT_EQ(shown.truth, "");
  EXPECT_EQ(shown.error, 0);
  EXPECT_THAT(shown.decisions, IsEmpty());
}

}  // namespace
}  // namespace berth::seq2seq

// The rules of the official SQuAD scripts, on cases whose results were taken from Python; tests/parity/qa compares
// live.
#include <gmock/gmock.h>

#include <cmath>

#include "plugins/qa/normalize.h"
#include "plugins/qa/thresholds.h"
#include "plugins/qa/unicode.h"

namespace berth::qa {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string lower(std::string_view text) { return encode_utf8(to_lower(decode_utf8(text))); }

TEST(QaUnicode, LowerCaseIsPythons) {
  EXPECT_EQ(lower("Honey \xC3\x84PFEL \xD0\x9C\xD0\x81\xD0\x94"), "honey \xC3\xA4pfel \xD0\xBC\xD1\x91\xD0\xB4");
  EXPECT_EQ(lower("\xC4\xB0"), "i\xCC\x87");  // I with dot: two characters
  EXPECT_EQ(lower("\xCE\x9F\xCE\x94\xCE\x9F\xCE\xA3"), "\xCE\xBF\xCE\xB4\xCE\xBF\xCF\x82");  // a final sigma
  EXPECT_EQ(lower("\xCE\xA3\xCE\xA3 1\xCE\xA3"), "\xCF\x83\xCF\x82 1\xCF\x83");
  EXPECT_EQ(lower("A.\xCE\xA3'1"), "a.\xCF\x82'1");  // marks are passed over, on both sides
  EXPECT_EQ(lower("A\xCE\xA3'b"), "a\xCF\x83'b");
  EXPECT_EQ(lower("\xF0\x90\x90\x80"), "\xF0\x90\x90\xA8");  // beyond the first plane
}

TEST(QaUnicode, CodePointsAndBytes) {
  const std::string text = "a\xC3\xA9\xE8\x9C\x9C\xF0\x9F\x90\x9Dz";
  EXPECT_EQ(count_code_points(text), 5U);
  EXPECT_EQ(byte_of_code_point(text, 0), 0U);
  EXPECT_EQ(byte_of_code_point(text, 3), 6U);
  EXPECT_EQ(byte_of_code_point(text, 5), text.size());
  EXPECT_EQ(byte_of_code_point(text, 6), std::string::npos);
  EXPECT_EQ(encode_utf8(decode_utf8(text)), text);
  EXPECT_EQ(encode_utf8(decode_utf8("a\xC3")), "a\xEF\xBF\xBD");
}

TEST(QaNormalize, LowerCasePunctuationArticlesSpace) {
  EXPECT_THAT(normalize("The  Lamp's, (a) \tprice!"), ElementsAre("lamps", "price"));
  EXPECT_THAT(normalize("an apple a day"), ElementsAre("apple", "day"));
  EXPECT_THAT(normalize("a-n a_n t.h.e"), IsEmpty());  // punctuation goes first, and makes articles
  EXPECT_THAT(normalize("banana theatre"), ElementsAre("banana", "theatre"));
  EXPECT_THAT(normalize(""), IsEmpty());
  EXPECT_THAT(normalize(" the "), IsEmpty());
}

TEST(QaNormalize, WordBoundariesAndSpaceAreUnicodes) {
  // A dash that is not ASCII stays, and parts words: the article goes, its space joins nothing.
  EXPECT_THAT(normalize("the\xE2\x80\x94honey"), ElementsAre("\xE2\x80\x94honey"));
  EXPECT_THAT(normalize("a\xC2\xA0jar\xE3\x80\x80of"), ElementsAre("jar", "of"));  // no-break, ideographic space
  EXPECT_THAT(normalize("a\x1Cjar"), ElementsAre("jar"));                          // Python splits there, too
  EXPECT_THAT(normalize("the\xCC\x81 jar"), ElementsAre("\xCC\x81", "jar"));       // an accent is no word character
  EXPECT_THAT(normalize("\xC3\xA0 the\xC3\xA9"), ElementsAre("\xC3\xA0", "the\xC3\xA9"));
  EXPECT_THAT(normalize("\xE3\x80\x81the\xE3\x80\x82"), ElementsAre("\xE3\x80\x81", "\xE3\x80\x82"));
}

TEST(QaScores, WordsCountAsOftenAsTheyOccur) {
  const AnswerScores scores = score_answer("nine nine euros", {"nine euros", "nine"}, Rules::kSquad1);
  EXPECT_EQ(scores.exact, 0);
  EXPECT_DOUBLE_EQ(scores.f1, 0.8);  // 2 of 3 and 2 of 2
  EXPECT_EQ(score_answer("The Honey.", {"wax", "honey"}, Rules::kSquad1).exact, 1);
  EXPECT_EQ(score_answer("wax", {"honey"}, Rules::kSquad1).f1, 0);
}

TEST(QaScores, TheTwoScriptsDifferWhereNothingIsLeft) {
  const AnswerScores first = score_answer("a", {"the"}, Rules::kSquad1);
  EXPECT_EQ(first.exact, 1);
  EXPECT_EQ(first.f1, 0);
  const AnswerScores second = score_answer("a", {"the"}, Rules::kSquad2);
  EXPECT_EQ(second.exact, 1);
  EXPECT_EQ(second.f1, 1);
  // 2.0 drops such an answer where there is another one.
  EXPECT_EQ(score_answer("a", {"the", "jar"}, Rules::kSquad1).exact, 1);
  EXPECT_EQ(score_answer("a", {"the", "jar"}, Rules::kSquad2).exact, 0);
  EXPECT_EQ(score_answer("", {}, Rules::kSquad2).f1, 1);
  EXPECT_EQ(score_answer("jar", {}, Rules::kSquad2).exact, 0);
}

// {odds, score, has an answer, is answered}
const std::vector<Judged> kQuestions = {
    {-3, 1, true, true}, {-2, 0.5, true, true}, {-1, 0, false, true}, {1, 1, true, true}, {2, 0, false, true}};

TEST(QaThreshold, TheOfficialOneIsTheLastQuestionThatPays) {
  const BestThreshold best = official_best_threshold(kQuestions);
  EXPECT_DOUBLE_EQ(best.score, 3.5 / 5);  // 2 without an answer, +1, +0.5; then -1, +1, -1 never get above
  EXPECT_EQ(best.threshold, -2);
  EXPECT_TRUE(std::isnan(official_best_threshold({}).score));
}

TEST(QaThreshold, TheOfficialOneIsZeroWhereNoAnswerAtAllIsBest) {
  const std::vector<Judged> questions = {{-5, 0, false, true}, {-4, 0.5, true, true}};
  EXPECT_EQ(official_best_threshold(questions).threshold, 0);
  EXPECT_DOUBLE_EQ(official_best_threshold(questions).score, 0.5);
  // The task's own threshold then is below all odds, so that it holds.
  EXPECT_LT(choose_threshold(questions), -5);
}

TEST(QaThreshold, TheChosenOneLiesBetweenQuestions) {
  EXPECT_EQ(choose_threshold(kQuestions), -1.5);
  EXPECT_EQ(choose_threshold({{2, 1, true, true}}), 2);
  EXPECT_EQ(choose_threshold({}), 0);
  // Where doubles are far from each other, and where they are neighbours.
  EXPECT_LT(choose_threshold({{-1e300, 0, false, true}}), -1e300);
  const double odd = std::nextafter(1.0, 2.0);
  EXPECT_EQ(choose_threshold({{odd, 1, true, true}, {std::nextafter(odd, 2.0), 0, false, true}}), odd);
}

TEST(QaThreshold, EqualOddsAreNotParted) {
  const std::vector<Judged> questions = {{0, 1, true, true}, {0, 0, false, true}, {3, 0.25, true, true}};
  // The official script stops between the two first ones, where no threshold can.
  EXPECT_DOUBLE_EQ(official_best_threshold(questions).score, 2.0 / 3);
  EXPECT_EQ(official_best_threshold(questions).threshold, 0);
  EXPECT_EQ(choose_threshold(questions), 3);
}

TEST(QaThreshold, AnEmptyAnswerCostsNothing) {
  EXPECT_DOUBLE_EQ(official_best_threshold({{0, 0, false, false}, {1, 1, true, true}}).score, 1);
}

}  // namespace
}  // namespace berth::qa

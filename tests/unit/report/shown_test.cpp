// What is kept of answers for people to look at: one as JSON, and those of a set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/report/shown_answers.h"
#include "core/report/shown_json.h"
#include "core/text/utf8.h"

namespace berth::report {
namespace {

using testing::ElementsAre;

using Places = std::vector<std::pair<std::size_t, std::size_t>>;

Json text_of(const std::string& text, const Places& marks) {
  Shown shown;
  shown.texts = {{"text", text, {}}};
  for (const auto& [begin, end] : marks) shown.texts[0].marks.push_back({begin, end, MarkKind::kAnswer, ""});
  return shown_json(shown, {})["texts"][0];
}

// What a mark covers.
std::string marked(const Json& text, std::size_t mark = 0) {
  const auto begin = text["marks"][mark]["begin"].get<std::size_t>();
  const auto end = text["marks"][mark]["end"].get<std::size_t>();
  return text["text"].get<std::string>().substr(begin, end - begin);
}

Shown wrong(double error, const std::string& answer = "") {
  Shown shown;
  shown.error = error;
  shown.answer = answer;
  shown.decisions.emplace_back();  // that it was wrong, and nothing of labels
  return shown;
}

Shown decided(const std::string& truth, const std::string& answer,
              double confidence = std::numeric_limits<double>::quiet_NaN()) {
  Shown shown;
  shown.decisions = {{truth, answer, truth == answer, confidence}};
  return shown;
}

TEST(ShownJson, HasAllThatThereIs) {
  Shown shown;
  shown.texts = {{"question", "who?", {}}, {"context", "Anna did", {{0, 4, MarkKind::kSource, "person", 2}}}};
  shown.answer = "Anna";
  shown.truth = "Olaf";
  shown.error = 0.5;
  shown.reason = "not she";
  EXPECT_EQ(
      shown_json(shown, {"dev.tsv", 7, 0}).dump(),
      R"({"texts":[{"title":"question","text":"who?","marks":[]},)"
      R"({"title":"context","text":"Anna did","marks":[{"begin":0,"end":4,"kind":"source","label":"person","link":2}]}],)"
      R"("answer":"Anna","truth":"Olaf","error":0.5,"reason":"not she","file":"dev.tsv","line":7})");
  EXPECT_EQ(shown_json({}, {}).dump(), R"({"texts":[],"answer":"","truth":"","error":0.0})");
}

TEST(ShownJson, ErrorsAreFinite) {
  EXPECT_EQ(shown_json(wrong(std::nan("")), {})["error"], 0.0);
  EXPECT_EQ(shown_json(wrong(-1), {})["error"], 0.0);
  EXPECT_EQ(shown_json(wrong(INFINITY), {})["error"], std::numeric_limits<double>::max());
}

TEST(ShownJson, MarksEndWithTheText) {
  EXPECT_EQ(marked(text_of("a lamp", {{2, 60}})), "lamp");
  EXPECT_EQ(text_of("a lamp", {{6, 9}, {60, 70}, {3, 3}, {4, 2}})["marks"].size(), 0U);
}

TEST(ShownJson, MarksAreOnTheBordersOfCharacters) {
  const std::string text = "a Größe €5";  // ö, ß of 2 bytes, € of 3
  EXPECT_EQ(marked(text_of(text, {{5, 7}})), "öß");
  EXPECT_EQ(marked(text_of(text, {{11, 12}})), "€");
  EXPECT_EQ(marked(text_of(text, {{12, 14}})), "€5");
  EXPECT_EQ(marked(text_of(text, {{4, 6}})), "ö");
}

TEST(ShownJson, BrokenTextsAreMendedAndMarksMoveAlong) {
  const std::string broken = "\xFF";
  const std::string mended = "\xEF\xBF\xBD";
  const auto text = text_of(broken + "ab" + "\xE2\x82" + "z", {{1, 3}, {4, 6}});
  EXPECT_EQ(text["text"], mended + "ab" + mended + "z");
  EXPECT_EQ(marked(text, 0), "ab");
  EXPECT_EQ(marked(text, 1), mended + "z");
  EXPECT_EQ(shown_json(wrong(1, broken), {})["answer"], mended);
}

TEST(ShownJson, LongTextsAreCutAroundTheirMarks) {
  std::string text(20000, '.');
  text.replace(5000, 4, "lamp");
  text.replace(15000, 4, "bulb");
  const auto json = text_of(text, {{15000, 15004}, {5000, 5004}});
  EXPECT_EQ(marked(json, 0), "lamp");
  EXPECT_EQ(marked(json, 1), "bulb");
  const auto shown = json["text"].get<std::string>();
  EXPECT_LE(shown.size(), kShownBytes + 3 * std::string("…").size());
  EXPECT_GT(shown.size(), kShownBytes / 2);
  EXPECT_TRUE(shown.starts_with("…."));
  EXPECT_TRUE(shown.ends_with(".…"));
  EXPECT_NE(shown.find(".….", 10), std::string::npos) << "nothing is left out between the marks";
}

TEST(ShownJson, LongTextsAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "€";
  for (const auto& marks : {Places(), Places{{4500, 4503}}, Places{{0, 9000}}, Places{{3, 3000}, {6000, 9000}}}) {
    const auto shown = text_of(text, marks)["text"].get<std::string>();
    EXPECT_TRUE(text::is_valid_utf8(shown.data(), shown.data() + shown.size()));
    EXPECT_LE(shown.size(), kShownBytes + 3 * std::string("…").size());
  }
  EXPECT_TRUE(text_of(text, {})["text"].get<std::string>().starts_with("€€"));
  // A mark that is itself too long keeps its beginning, up to the cut.
  const auto whole = text_of(text, {{0, 9000}});
  EXPECT_EQ(marked(whole) + "…", whole["text"]);
}

TEST(ShownJson, MarksThatAreCutOffAreGone) {
  const std::string text(20000, 'x');
  const auto json = text_of(text, {{0, 5000}, {19000, 19005}});
  ASSERT_EQ(json["marks"].size(), 1U);
  EXPECT_EQ(json["marks"][0]["end"], kShownBytes);
}

TEST(AnswerCollector, KeepsTheWorst) {
  AnswerCollector answers;
  for (int i = 0; i < 200; ++i) answers.add(wrong((i * 37) % 100, std::to_string(i)), {"dev.tsv", i + 1, 0});
  const auto json = answers.result();
  EXPECT_EQ(json["examples"], 200);
  EXPECT_EQ(json["wrong"], 198);  // two are right
  ASSERT_EQ(json["worst"].size(), AnswerCollector::kWorst);
  for (std::size_t i = 0; i < json["worst"].size(); ++i) {
    EXPECT_EQ(json["worst"][i]["error"], 99.0 - static_cast<double>(i / 2));
    const auto previous = i % 2 == 1 ? json["worst"][i - 1]["line"].get<int>() : 0;  // of the one that is equally bad
    EXPECT_GT(json["worst"][i]["line"].get<int>(), previous);
  }
  EXPECT_FALSE(json.contains("confusion"));
  EXPECT_FALSE(json.contains("calibration"));
}

TEST(AnswerCollector, OfEquallyWrongOnesKeepsTheFirst) {
  AnswerCollector answers;
  for (int i = 0; i < 60; ++i) answers.add(wrong(1), {"dev.tsv", i + 1, 0});
  answers.add(wrong(std::nan("")), {});
  const auto json = answers.result();
  EXPECT_EQ(json["wrong"], 60);
  EXPECT_EQ(json["worst"][0]["line"], 1);
  EXPECT_EQ(json["worst"][49]["line"], 50);
}

TEST(AnswerCollector, WithoutDecisionsNobodyKnowsWhatIsWrong) {
  AnswerCollector answers;
  Shown written;
  written.answer = "a text";
  answers.add(written, {});
  EXPECT_EQ(answers.result()["examples"], 1);
  EXPECT_FALSE(answers.result().contains("wrong"));
  answers.add(decided("praise", "praise"), {});
  EXPECT_EQ(answers.result()["wrong"], 0);
}

TEST(AnswerCollector, CountsTruthsByAnswers) {
  AnswerCollector answers;
  for (int i = 0; i < 3; ++i) answers.add(decided("praise", "praise"), {});
  answers.add(decided("praise", "complaint"), {});
  answers.add(decided("", "praise"), {});
  answers.add(decided("complaint", ""), {});
  const auto confusion = answers.result()["confusion"];
  EXPECT_THAT(confusion["labels"], ElementsAre("complaint", "praise", "(none)"));
  EXPECT_EQ(confusion["counts"].dump(), "[[0,0,1],[1,3,0],[0,1,0]]");
}

TEST(AnswerCollector, PartsMakeTheWhole) {
  AnswerCollector whole;
  AnswerCollector parts[3];
  for (int i = 0; i < 200; ++i) {
    auto shown = decided(i % 3 == 0 ? "praise" : "complaint", i % 7 == 0 ? "praise" : "", (i % 8) / 8.0);
    shown.error = i == 150 ? std::numeric_limits<double>::infinity() : i % 40;
    for (auto* one : {&whole, &parts[i < 20 ? 0 : 2]}) one->add(shown, {"dev.tsv", i + 1, 0});
  }
  AnswerCollector merged;
  for (const auto& part : parts) merged.merge(part.state());
  EXPECT_EQ(merged.result(), whole.result());
}

TEST(AnswerCollector, OneLabelIsNoConfusion) {
  AnswerCollector answers;
  answers.add(decided("answer", "answer"), {});
  answers.add(decided("", "", 0.7), {});  // for calibration alone
  EXPECT_FALSE(answers.result().contains("confusion"));
  EXPECT_TRUE(answers.result().contains("calibration"));
}

TEST(AnswerCollector, NumbersAreInTheirOrder) {
  AnswerCollector answers;
  for (const char* stars : {"10", "9", "1"}) answers.add(decided(stars, stars), {});
  EXPECT_THAT(answers.result()["confusion"]["labels"], ElementsAre("1", "9", "10"));
}

TEST(AnswerCollector, RareLabelsAreJoined) {
  AnswerCollector answers;
  for (int label = 0; label < 2000; ++label) {
    for (int i = 0; i < (label < 29 ? 3 : 1); ++i) {
      answers.add(decided("label " + std::to_string(label), "label " + std::to_string(label == 1999 ? 0 : label)), {});
    }
  }
  const auto confusion = answers.result()["confusion"];
  ASSERT_EQ(confusion["labels"].size(), AnswerCollector::kLabels);
  EXPECT_EQ(confusion["labels"].back(), "(others)");
  EXPECT_EQ(confusion["labels"][0], "label 0");
  const auto& counts = confusion["counts"];
  ASSERT_EQ(counts.size(), AnswerCollector::kLabels);
  EXPECT_EQ(counts[0][0], 3);
  EXPECT_EQ(counts[29][29], 2000 - 29 - 1);
  EXPECT_EQ(counts[29][0], 1) << "the rare one that was taken for label 0";
}

TEST(AnswerCollector, CalibrationIsThatOfAHandComputedCase) {
  AnswerCollector answers;
  answers.add(decided("a", "a", 0.95), {});
  answers.add(decided("a", "b", 0.95), {});
  answers.add(decided("a", "a", 0.91), {});
  answers.add(decided("b", "b", 0.3), {});  // on the border: in the lower bin
  answers.add(decided("b", "a", 0.0), {});
  answers.add(decided("b", "a"), {});  // nobody knows how sure it was
  const auto calibration = answers.result()["calibration"];
  ASSERT_EQ(calibration["bins"].size(), 3U);
  const auto& first = calibration["bins"][0];
  EXPECT_EQ(first.dump(), R"({"low":0.0,"high":0.1,"count":1,"confidence":0.0,"accuracy":0.0})");
  EXPECT_EQ(calibration["bins"][1]["low"], 0.2);
  const auto& last = calibration["bins"][2];
  EXPECT_EQ(last["count"], 3);
  EXPECT_EQ(last["high"], 1.0);
  EXPECT_NEAR(last["confidence"].get<double>(), 2.81 / 3, 1e-12);
  EXPECT_NEAR(last["accuracy"].get<double>(), 2.0 / 3, 1e-12);
  // |2 - 2.81| of the last bin, |1 - 0.3| and 0, over 5 decisions
  EXPECT_NEAR(calibration["ece"].get<double>(), (0.81 + 0.7) / 5, 1e-12);
}

}  // namespace
}  // namespace berth::report

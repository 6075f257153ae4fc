// From a question to windows with targets, and from scores back to answers.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "berth/kit/json.h"
#include "plugins/qa/answer_search.h"
#include "plugins/qa/prediction.h"
#include "plugins/qa/windows.h"
#include "qa_support.h"
#include "support.h"

namespace berth::qa {
namespace {

using test::question;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kContext = "the honey costs nine euros and the lamp costs twelve euros in our shop.";

class QaWindows : public testing::Test {
 protected:
  std::vector<Feature> windows(const QaExample& example, std::int64_t max_length, const WindowSettings& settings = {}) {
    return make_windows(example, {*tokenizer_, max_length}, settings);
  }
  // The text between the targets of a window.
  static std::string target(const Feature& feature, const QaExample& example) {
    const auto start = std::get<0>(feature.fields.at("start")).at(0);
    const auto end = std::get<0>(feature.fields.at("end")).at(0);
    const auto& offsets = feature.encoding.offsets;
    const std::uint32_t begin = offsets[static_cast<std::size_t>(start)].begin;
    return example.context->substr(begin, offsets[static_cast<std::size_t>(end)].end - begin);
  }

  std::unique_ptr<Tokenizer> tokenizer_ = test::small_tokenizer();
};

TEST_F(QaWindows, OneWindowWhereAllFits) {
  const auto example = question("what does the honey cost?", kContext, "nine euros");
  const auto features = windows(*example, 64);
  ASSERT_EQ(features.size(), 1U);
  EXPECT_EQ(features[0].encoding.size(), 3U + 6 + 15);
  EXPECT_EQ(target(features[0], *example), "nine euros");
  EXPECT_THAT(std::get<0>(features[0].fields.at("start")), ElementsAre(8 + 3));
  EXPECT_THAT(std::get<0>(features[0].fields.at("end")), ElementsAre(8 + 4));
}

TEST_F(QaWindows, AnAnswerWithinAWordTakesItsTokens) {
  const auto example = question("what is it?", "it was bluegrey.", "lueg");
  EXPECT_EQ(target(windows(*example, 64)[0], *example), "lueg");  // letter by letter in this vocabulary
  const auto part = question("what is it?", "the honey", "one");  // "honey" is one token
  EXPECT_EQ(target(windows(*part, 64)[0], *part), "honey");
}

TEST_F(QaWindows, SpaceAroundAnAnswer) {
  const auto example = question("what?", kContext, " nine euros ");
  // The last token that begins at or before the answer, the first that ends at or after it: as in run_qa.
  EXPECT_EQ(target(windows(*example, 64)[0], *example), "costs nine euros and");
}

TEST_F(QaWindows, WindowsWithoutTheWholeAnswerPointAtCls) {
  const auto example = question("what?", kContext, "twelve euros");
  WindowSettings settings;
  settings.stride = 2;
  const auto features = windows(*example, 12, settings);  // 5 + 7 tokens of the context
  ASSERT_EQ(features.size(), 3U);
  EXPECT_THAT(std::get<0>(features[0].fields.at("start")), ElementsAre(0));
  EXPECT_THAT(std::get<0>(features[0].fields.at("end")), ElementsAre(0));
  EXPECT_EQ(target(features[1], *example), "twelve euros");
  EXPECT_THAT(std::get<0>(features[2].fields.at("end")), ElementsAre(0));  // it begins at "euros"
  for (const Feature& feature : features) EXPECT_LE(feature.encoding.size(), 12U);
}

TEST_F(QaWindows, EveryTokenOfTheContextIsInAWindow) {
  const auto example = question("what does the honey cost?", kContext, "nine");
  for (std::int64_t max_length = 8; max_length < 30; ++max_length) {
    std::vector<bool> is_covered(kContext.size());
    for (const Feature& feature : windows(*example, max_length)) {
      const ContextTokens tokens = context_tokens(feature.encoding);
      for (std::size_t i = tokens.first; i < tokens.last; ++i) {
        const Span& span = feature.encoding.offsets[i];
        std::fill(is_covered.begin() + span.begin, is_covered.begin() + span.end, true);
      }
    }
    for (std::size_t i = 0; i < kContext.size(); ++i) {
      EXPECT_TRUE(is_covered[i] || kContext[i] == ' ') << max_length << " " << i;
    }
  }
}

TEST_F(QaWindows, TheStrideIsAThirdUnlessSet) {
  const auto example = question("what?", kContext, "nine");
  const auto shared = [&](const WindowSettings& settings) {
    const auto features = windows(*example, 12, settings);
    const auto& first = features.at(0).encoding;
    const auto& second = features.at(1).encoding;
    const auto last = first.offsets.at(context_tokens(first).last - 1);
    std::size_t count = 0;
    for (std::size_t i = context_tokens(second).first; i < context_tokens(second).last; ++i) {
      if (second.offsets[i].begin <= last.begin) ++count;
    }
    return count;
  };
  EXPECT_EQ(shared({}), 4U);
  EXPECT_EQ(shared({1, 64}), 1U);
  EXPECT_EQ(shared({0, 64}), 0U);
  EXPECT_EQ(shared({7, 64}), 6U) << "beside two tokens of the question, seven of the context fit";
  test::expect_error(ErrorKind::kConfig, {"`stride` is 50", "max_length = 12"}, [&] { shared({50, 64}); });
}

TEST_F(QaWindows, LongQuestionsAreCut) {
  const auto example = question("what does the honey cost in our shop and who made it?", kContext, "nine");
  const auto question_tokens = [&](std::int64_t max_length, std::int64_t limit) {
    const auto feature = windows(*example, max_length, {-1, limit}).front();
    return context_tokens(feature.encoding).first - 2;  // [CLS], [SEP]
  };
  EXPECT_EQ(question_tokens(64, 64), 13U);
  EXPECT_EQ(question_tokens(64, 13), 13U);
  EXPECT_EQ(question_tokens(64, 5), 5U);
  EXPECT_EQ(question_tokens(16, 64), 6U);  // half of the 13 that are not special
}

TEST_F(QaWindows, ContextsWithoutATokenAndQuestionsWithoutAnswer) {
  const auto empty = question("what?", " ");
  const auto features = windows(*empty, 64);
  ASSERT_EQ(features.size(), 1U);
  EXPECT_EQ(context_tokens(features[0].encoding).first, context_tokens(features[0].encoding).last);
  EXPECT_THAT(std::get<0>(features[0].fields.at("start")), ElementsAre(0));
  auto unknown = question("what?", kContext);
  unknown->answers.reset();
  EXPECT_TRUE(windows(*unknown, 64)[0].fields.empty());
}

TEST_F(QaWindows, ChineseAndArabic) {
  const auto chinese = question("what?", "\xE8\x9C\x82\xE8\x9C\x9C\xE8\x9C\x82", "\xE8\x9C\x9C");
  EXPECT_EQ(target(windows(*chinese, 64)[0], *chinese), "\xE8\x9C\x9C");
  const auto arabic = question("what?", "\xD8\xB9\xD8\xB3\xD9\x84 \xD8\xB9", "\xD8\xB9\xD8\xB3\xD9\x84");
  EXPECT_EQ(target(windows(*arabic, 64)[0], *arabic), "\xD8\xB9\xD8\xB3\xD9\x84");
}

class QaSearch : public QaWindows {
 protected:
  struct Scores {
    std::vector<double> starts;
    std::vector<double> ends;
  };
  static Scores flat(const Feature& feature, double value = -10) {
    return {std::vector<double>(feature.encoding.size(), value), std::vector<double>(feature.encoding.size(), value)};
  }
  static void add(AnswerSearch& search, const Feature& feature, const Scores& scores) {
    search.add({feature.encoding, scores.starts.data(), scores.ends.data()});
  }
  static std::string text(const QaExample& example, const Candidate& candidate) {
    return example.context->substr(candidate.span.begin, candidate.span.end - candidate.span.begin);
  }

  std::unique_ptr<QaExample> example_ = question("what does the honey cost?", kContext, "nine euros");
  Feature feature_ = windows(*example_, 64).front();
};

TEST_F(QaSearch, FindsTheBestPairs) {
  Scores scores = flat(feature_);
  scores.starts[11] = 5;  // nine
  scores.ends[12] = 4;    // euros
  scores.ends[11] = 3;
  scores.ends[9] = 20;  // ends before it starts
  AnswerSearch search({20, 30});
  add(search, feature_, scores);
  const auto best = search.best();
  ASSERT_EQ(best.size(), 20U);
  EXPECT_EQ(text(*example_, best[0]), "the honey");  // -10 + 20: the pair of that end
  EXPECT_EQ(best[0].score, 10);
  EXPECT_EQ(text(*example_, best[2]), "nine euros");
  EXPECT_EQ(best[2].score, 9);
  EXPECT_TRUE(std::is_sorted(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.score > b.score; }));
  EXPECT_EQ(search.null_score(), -20);
}

TEST_F(QaSearch, NeverAnswersWithTheQuestionOrTooMuch) {
  Scores scores = flat(feature_);
  for (std::size_t i = 0; i < 8; ++i) scores.starts[i] = scores.ends[i] = 50;
  scores.starts.back() = scores.ends.back() = 50;
  scores.starts[8] = 5;
  scores.ends[20] = 5;
  AnswerSearch search({5, 4});
  add(search, feature_, scores);
  ASSERT_EQ(search.best().size(), 5U);
  for (const Candidate& candidate : search.best()) {
    const std::string answer = text(*example_, candidate);
    EXPECT_LE(std::count(answer.begin(), answer.end(), ' '), 3) << answer;
    EXPECT_LE(candidate.score, -5);
  }
  EXPECT_EQ(search.null_score(), 100);
}

TEST_F(QaSearch, FewLikelyOnesThatDoNotPairFallBackToAll) {
  Scores scores = flat(feature_);
  scores.starts[20] = 5;
  scores.ends[8] = 5;
  AnswerSearch search({1, 30});
  add(search, feature_, scores);
  ASSERT_EQ(search.best().size(), 1U);
  EXPECT_EQ(search.best()[0].score, -5);
}

TEST_F(QaSearch, WindowsShareStretchesAndTheirLeastNullScoreCounts) {
  WindowSettings settings;
  settings.stride = 6;
  const auto features = windows(*example_, 20, settings);
  ASSERT_GT(features.size(), 1U);
  AnswerSearch search({50, 2});
  for (std::size_t w = 0; w < features.size(); ++w) {
    Scores scores = flat(features[w], -static_cast<double>(w));
    scores.starts[0] = w == 0 ? 3 : 7;
    add(search, features[w], scores);
  }
  EXPECT_EQ(search.null_score(), 3);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> spans;
  for (const Candidate& candidate : search.best()) spans.emplace_back(candidate.span.begin, candidate.span.end);
  const std::size_t all = spans.size();
  std::sort(spans.begin(), spans.end());
  spans.erase(std::unique(spans.begin(), spans.end()), spans.end());
  EXPECT_EQ(spans.size(), all);
  EXPECT_EQ(search.best()[0].score, 0);  // of the first window, where others have it as well
}

TEST_F(QaSearch, EqualScoresComeInTheContextsOrder) {
  AnswerSearch search({3, 1});
  add(search, feature_, flat(feature_));
  const auto best = search.best();
  ASSERT_EQ(best.size(), 3U);
  EXPECT_EQ(text(*example_, best[0]), "the");
  EXPECT_EQ(text(*example_, best[1]), "honey");
}

TEST_F(QaSearch, ScoresThatAreNotFiniteAreAnError) {
  Scores scores = flat(feature_);
  scores.ends[3] = std::numeric_limits<double>::quiet_NaN();
  AnswerSearch search({20, 30});
  test::expect_error(ErrorKind::kNumeric, {"not finite"}, [&] { add(search, feature_, scores); });
}

TEST_F(QaSearch, NothingToFindInAnEmptyContext) {
  const auto empty = question("what?", "");
  const auto feature = windows(*empty, 64).front();
  AnswerSearch search({20, 30});
  add(search, feature, flat(feature));
  EXPECT_THAT(search.best(), IsEmpty());
  const QaPrediction prediction("", search.best(), std::nullopt);
  EXPECT_EQ(prediction.text(), "");
  EXPECT_EQ(prediction.json(), R"({"prediction": "", "start": null, "end": null, "n_best": []})");
  const QaPrediction none("", search.best(), NoAnswer{-20, 0});
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(none.null_odds(), -20);
}

const std::string kText = "\xE8\x9C\x82 nine euros";
const std::vector<Candidate> kCandidates = {{{4, 14}, 3}, {{4, 8}, 1}, {{0, 3}, -2}};

TEST(QaPredictions, PlacesCountCodePointsAndProbabilitiesAreASoftmax) {
  const QaPrediction prediction(kText, kCandidates, std::nullopt);
  EXPECT_EQ(prediction.text(), "nine euros");
  const kit::Json json = kit::parse_json(prediction.json());
  EXPECT_EQ(json.at("prediction").as_string(), "nine euros");
  EXPECT_EQ(json.at("start").as_int(), 2);
  EXPECT_EQ(json.at("end").as_int(), 12);
  EXPECT_EQ(json.at("score").as_double(), 3);
  EXPECT_EQ(json.find("null_odds"), nullptr);
  const double sum = std::exp(3) + std::exp(1) + std::exp(-2);
  EXPECT_NEAR(json.at("log_probability").as_double(), 3 - std::log(sum), 1e-12);
  const kit::Json::Array& list = json.at("n_best").as_array();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[1].at("text").as_string(), "nine");
  EXPECT_NEAR(list[2].at("log_probability").as_double(), -2 - std::log(sum), 1e-12);
  EXPECT_EQ(list[2].at("start").as_int(), 0);
}

TEST(QaPredictions, NoAnswerStandsInTheListByItsScore) {
  const QaPrediction kept(kText, kCandidates, NoAnswer{2, 0});
  EXPECT_EQ(kept.text(), "nine euros");
  EXPECT_EQ(kept.null_odds(), -1);
  const QaPrediction none(kText, kCandidates, NoAnswer{2, -1.5});
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(none.best_text(), "nine euros");
  const kit::Json json = kit::parse_json(none.json());
  EXPECT_TRUE(json.at("start").is_null());
  EXPECT_EQ(json.at("score").as_double(), 2);
  EXPECT_EQ(json.at("null_odds").as_double(), -1);
  ASSERT_EQ(json.at("n_best").as_array().size(), 4U);
  EXPECT_EQ(json.at("n_best").as_array()[1].at("text").as_string(), "");
  double sum = 0;
  for (const kit::Json& one : json.at("n_best").as_array()) sum += std::exp(one.at("log_probability").as_double());
  EXPECT_NEAR(sum, 1, 1e-12);
  // Exactly at the threshold, the answer is given.
  EXPECT_EQ(QaPrediction(kText, kCandidates, NoAnswer{2, -1}).text(), "nine euros");
  // Above all answers, "no answer" is the first of the list, and the best answer the second.
  const QaPrediction first(kText, kCandidates, NoAnswer{9, 100});
  EXPECT_EQ(first.text(), "nine euros");
  EXPECT_EQ(kit::parse_json(first.json()).at("n_best").as_array()[0].at("text").as_string(), "");
}

}  // namespace
}  // namespace berth::qa

// The ner plugin's parts by themselves: words, features, chains and the CRF's likelihood.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/text/load_tokenizer.h"
#include "plugins/ner/chain.h"
#include "plugins/ner/crf.h"
#include "plugins/ner/features.h"
#include "plugins/ner/words.h"
#include "support.h"

namespace berth::ner {
namespace {

using kit::LabelSet;
using kit::TagScheme;
using kit::TagSet;
using testing::ElementsAre;

std::vector<std::string> words_of(const std::string& text, Splitting splitting) {
  std::vector<std::string> words;
  for (const Span& word : split_words(text, splitting)) words.push_back(text.substr(word.begin, word.end - word.begin));
  return words;
}

TEST(NerWords, MarksAreWordsOrPartsOfThem) {
  const std::string text = " (It's\tBerlin-based, \"U.S.\")\n\xC2\xA0--";
  EXPECT_THAT(words_of(text, Splitting::kPunctuation), ElementsAre("(", "It", "'", "s", "Berlin", "-", "based", ",",
                                                                   "\"", "U", ".", "S", ".", "\"", ")", "-", "-"));
  EXPECT_THAT(words_of(text, Splitting::kAtEdges),
              ElementsAre("(", "It's", "Berlin-based", ",", "\"", "U.S", ".", "\"", ")", "-", "-"));
  EXPECT_THAT(words_of(text, Splitting::kSpace), ElementsAre("(It's", "Berlin-based,", "\"U.S.\")", "--"));
  EXPECT_TRUE(words_of(" \n\t", Splitting::kPunctuation).empty());
  EXPECT_TRUE(words_of("", Splitting::kAtEdges).empty());
}

TEST(NerWords, OtherScripts) {
  EXPECT_THAT(words_of("\u00ABZoë\u00BB\u2019s caf\u00E9\u3001", Splitting::kPunctuation),
              ElementsAre("\u00AB", "Zoë", "\u00BB", "\u2019", "s", "caf\u00E9", "\u3001"));
  EXPECT_THAT(words_of("أحمد، علي؟", Splitting::kPunctuation), ElementsAre("أحمد", "،", "علي", "؟"));
  EXPECT_THAT(words_of("我在\u3000NewYork 😀", Splitting::kSpace), ElementsAre("我", "在", "NewYork", "😀"));
}

TEST(NerWords, CodePointsAndBytes) {
  const CodePoints points("aé😀z");
  EXPECT_EQ(points.size(), 4U);
  EXPECT_EQ(points.byte(2), 3U);
  EXPECT_EQ(points.byte(4), 8U);
  EXPECT_EQ(points.code_point(3), 2U);
  EXPECT_EQ(points.code_point(8), 4U);
}

class NerFeatures : public testing::Test {
 protected:
  static NerExample example(std::vector<std::string> words, std::vector<kit::EntitySpan> entities = {}) {
    NerExample result(kit::Record(kit::Json(kit::Json::Object{}), {"f.conll", 4, 0}));
    set_split_words(result, std::move(words));
    result.entities = std::move(entities);
    return result;
  }
  std::vector<Feature> make(const NerExample& of, const FeatureOptions& options = {},
                            std::int64_t max_length = 32) const {
    return FeatureMaker(options, tags_).make(of, *tokenizer_, max_length);
  }
  // Tokens on a token's nearer side in its window.
  static std::size_t room(const Feature& feature, std::size_t token) {
    return std::min(token - 1, feature.encoding.size() - 2 - token);
  }
  // Of a word's first token, over all windows that hold it.
  std::size_t most_room(const std::vector<Feature>& features, std::int64_t word) const {
    std::size_t most = 0;
    for (const Feature& feature : features) {
      const auto& words = feature.encoding.words;
      const auto found = std::find(words.begin(), words.end(), static_cast<std::int32_t>(word));
      const auto token = static_cast<std::size_t>(found - words.begin());
      if (found == words.end() || tokens(feature)[token].substr(0, 2) == "##") continue;
      most = std::max(most, room(feature, token));
    }
    return most;
  }
  static std::vector<std::int64_t> values(const Feature& feature, const char* field) {
    return std::get<std::vector<std::int64_t>>(feature.fields.at(field));
  }
  std::vector<std::string> tokens(const Feature& feature) const {
    std::vector<std::string> result;
    for (const std::int32_t id : feature.encoding.ids) result.push_back(tokenizer_->token(id));
    return result;
  }

  const std::unique_ptr<Tokenizer> tokenizer_ = text::load_tokenizer(BERTH_TOKENIZER_DATA);
  const std::shared_ptr<const TagSet> tags_ =
      std::make_shared<const TagSet>(TagScheme::kIobes, LabelSet::listed({"x", "y"}));
};

TEST_F(NerFeatures, TheFirstTokenSpeaks) {
  const auto features = make(example({"the", "unaffable", "dog", "jumped"}, {{1, 3, "x"}}));
  ASSERT_EQ(features.size(), 1U);
  EXPECT_THAT(tokens(features[0]),
              ElementsAre("[CLS]", "the", "un", "##aff", "##able", "dog", "jump", "##ed", "[SEP]"));
  EXPECT_THAT(values(features[0], kScored), ElementsAre(0, 1, 1, 0, 0, 1, 1, 0, 0));
  EXPECT_THAT(values(features[0], kTag), ElementsAre(kNoTag, 0, 1, kNoTag, kNoTag, 3, 0, kNoTag, kNoTag));
  EXPECT_THAT(values(features[0], kEdges), ElementsAre(1, 1));
}

TEST_F(NerFeatures, AllTokensMayLearn) {
  FeatureOptions options;
  options.all_subwords = true;
  const auto begins = make(example({"unaffable", "jumped"}, {{0, 2, "y"}}), options);  // B-y, then E-y
  EXPECT_THAT(values(begins[0], kTag), ElementsAre(kNoTag, 5, 6, 6, 7, 7, kNoTag));
  const auto single = make(example({"unaffable", "jumped"}, {{0, 1, "y"}}), options);  // S-y
  EXPECT_THAT(values(single[0], kTag), ElementsAre(kNoTag, 8, 7, 7, 0, 0, kNoTag));
  EXPECT_THAT(values(single[0], kScored), ElementsAre(0, 1, 0, 0, 1, 0, 0));
}

TEST_F(NerFeatures, WithoutEntitiesThereAreOnlyInputs) {
  NerExample unlabelled = example({"the", "dog"});
  unlabelled.entities.reset();
  const auto features = make(unlabelled);
  EXPECT_EQ(features[0].fields.size(), 2U);
  EXPECT_THAT(values(features[0], kScored), ElementsAre(0, 1, 1, 0));
}

TEST_F(NerFeatures, WordsThatLeaveNoTokenLearnNothing) {
  // U+200B is dropped by the tokenizer. The entity begins with it, so its B goes to the word that is left.
  const auto features = make(example({"the", "\u200B", "dog", "\u200B"}, {{1, 3, "x"}, {3, 4, "y"}}));
  EXPECT_THAT(values(features[0], kTag), ElementsAre(kNoTag, 0, 4, kNoTag));
  const auto nothing = make(example({"\u200B"}, {{0, 1, "x"}}));
  ASSERT_EQ(nothing.size(), 1U);
  EXPECT_THAT(values(nothing[0], kTag), ElementsAre(kNoTag, kNoTag));
  EXPECT_THAT(values(nothing[0], kEdges), ElementsAre(0, 0));
  EXPECT_EQ(make(example({})).size(), 1U);
}

TEST_F(NerFeatures, EachWordSpeaksOnceWhereItHasMostContext) {
  std::vector<std::string> words;
  for (int i = 0; i < 20; ++i) words.emplace_back(i % 3 == 0 ? "unaffable" : "dog");  // 7 * 3 + 13 tokens
  for (const std::int64_t stride : {0, 1, 3, 6}) {
    FeatureOptions options;
    options.stride = stride;
    const auto features = make(example(words, {{2, 5, "x"}}), options, 12);
    ASSERT_GT(features.size(), 2U);
    std::vector<std::int64_t> spoken;
    std::vector<std::int64_t> tags;
    for (std::size_t f = 0; f < features.size(); ++f) {
      const auto scored = values(features[f], kScored);
      EXPECT_LE(scored.size(), 12U);
      EXPECT_THAT(values(features[f], kEdges), ElementsAre(f == 0 ? 1 : 0, f + 1 == features.size() ? 1 : 0));
      for (std::size_t i = 0; i < scored.size(); ++i) {
        EXPECT_EQ(values(features[f], kTag)[i] != kNoTag, scored[i] == 1);
        if (scored[i] == 0) continue;
        EXPECT_NE(tokens(features[f])[i].substr(0, 2), "##");
        spoken.push_back(features[f].encoding.words[i]);
        tags.push_back(values(features[f], kTag)[i]);
        EXPECT_EQ(room(features[f], i), most_room(features, spoken.back())) << stride;
      }
    }
    std::vector<std::int64_t> all(20);
    for (std::size_t i = 0; i < 20; ++i) all[i] = static_cast<std::int64_t>(i);
    EXPECT_EQ(spoken, all) << stride;
    EXPECT_EQ(tags, tags_->write({{2, 5, "x"}}, 20, {}));
  }
}

TEST_F(NerFeatures, OneWordLongerThanAWindow) {
  std::string word;
  for (int i = 0; i < 30; ++i) word += "dog-";
  const auto features = make(example({"the", word, "dog"}, {{1, 2, "x"}}), {}, 12);
  std::size_t spoken = 0;
  for (const Feature& feature : features) {
    const auto scored = values(feature, kScored);
    const auto here = std::count(scored.begin(), scored.end(), 1);
    EXPECT_GT(here, 0);  // windows within the word are left out
    spoken += static_cast<std::size_t>(here);
  }
  EXPECT_EQ(spoken, 3U);
  EXPECT_LT(features.size(), 4U);
}

TEST_F(NerFeatures, ContextIsSeenAndNotScored) {
  NerExample sentence = example({"the", "dog"}, {{1, 2, "y"}});
  sentence.before = {"quick", "unaffable"};
  sentence.after = {"jumped", "over", "it"};
  FeatureOptions options;
  options.context = 4;
  const auto wide = make(sentence, options);
  EXPECT_THAT(tokens(wide[0]), ElementsAre("[CLS]", "quick", "un", "##aff", "##able", "the", "dog", "jump", "##ed",
                                           "over", "it", "[SEP]"));
  EXPECT_THAT(values(wide[0], kScored), ElementsAre(0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0));
  EXPECT_THAT(values(wide[0], kEdges), ElementsAre(1, 1));
  // Both sides get 3 of the 6 tokens that are free, and no part of a word.
  const auto narrow = make(sentence, options, 10);
  EXPECT_THAT(tokens(narrow[0]),
              ElementsAre("[CLS]", "un", "##aff", "##able", "the", "dog", "jump", "##ed", "over", "[SEP]"));
  options.context = 2;
  EXPECT_THAT(tokens(make(sentence, options)[0]), ElementsAre("[CLS]", "the", "dog", "jump", "##ed", "[SEP]"));
  // What one side does not need, the other gets.
  sentence.before = {};
  options.context = 10;
  EXPECT_THAT(tokens(make(sentence, options, 8)[0]),
              ElementsAre("[CLS]", "the", "dog", "jump", "##ed", "over", "it", "[SEP]"));
  // A sentence that fills the sequence by itself is cut into windows as without context.
  EXPECT_GT(make(sentence, options, 3).size(), 1U);
}

// All sequences of `words` tags out of `tags`.
std::vector<std::vector<std::int64_t>> all_sequences(std::size_t words, std::int64_t tags) {
  std::vector<std::vector<std::int64_t>> result = {{}};
  for (std::size_t w = 0; w < words; ++w) {
    std::vector<std::vector<std::int64_t>> longer;
    for (const auto& sequence : result) {
      for (std::int64_t t = 0; t < tags; ++t) {
        longer.push_back(sequence);
        longer.back().push_back(t);
      }
    }
    result = std::move(longer);
  }
  return result;
}

struct Weights {
  at::Tensor transitions, start, end;
};

Weights random_weights(std::int64_t tags) {
  return {at::randn({tags, tags}, at::kDouble), at::randn({tags}, at::kDouble), at::randn({tags}, at::kDouble)};
}

double score(const at::Tensor& emissions, const Weights& weights, const std::vector<std::int64_t>& tags,
             bool opens = true, bool closes = true) {
  double sum = opens ? weights.start[tags.front()].item<double>() : 0;
  for (std::size_t w = 0; w < tags.size(); ++w) {
    sum += emissions[static_cast<std::int64_t>(w)][tags[w]].item<double>();
    if (w > 0) sum += weights.transitions[tags[w - 1]][tags[w]].item<double>();
  }
  return sum + (closes ? weights.end[tags.back()].item<double>() : 0);
}

double log_total(const at::Tensor& emissions, const Weights& weights, bool opens = true, bool closes = true) {
  double sum = 0;
  for (const auto& tags : all_sequences(static_cast<std::size_t>(emissions.size(0)), emissions.size(1))) {
    sum += std::exp(score(emissions, weights, tags, opens, closes));
  }
  return std::log(sum);
}

std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

// Random weights, those that the scheme forbids at -infinity.
Weights constrained(const TagSet& set) {
  Weights weights = random_weights(set.size());
  const double never = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < set.size(); ++i) {
    if (!set.may_begin(i)) weights.start[i].fill_(never);
    if (!set.may_end(i)) weights.end[i].fill_(never);
    for (std::int64_t j = 0; j < set.size(); ++j) {
      if (!set.may_follow(i, j)) weights.transitions[i][j].fill_(never);
    }
  }
  return weights;
}

TEST(NerChain, BestTagsAndMarginalsAreThoseOfAllSequences) {
  at::manual_seed(5);
  const TagSet set(TagScheme::kIobes, LabelSet::listed({"x"}));
  for (int round = 0; round < 20; ++round) {
    const bool is_free = round % 2 == 0;
    const Weights weights = is_free ? random_weights(set.size()) : constrained(set);
    const std::int64_t words = 1 + round % 4;
    const at::Tensor emissions = at::randn({words, set.size()}, at::kDouble) * 3;
    const Emissions own{static_cast<std::size_t>(set.size()), numbers(emissions)};
    const ChainWeights chain{numbers(weights.transitions), numbers(weights.start), numbers(weights.end)};
    const auto best = best_tags(own, chain);
    const double total = log_total(emissions, weights);
    const double best_score = score(emissions, weights, best);
    const Marginals marginals(own, chain);
    const auto all = all_sequences(static_cast<std::size_t>(words), set.size());
    for (std::size_t begin = 0; begin < best.size(); ++begin) {
      for (std::size_t end = begin + 1; end <= best.size(); ++end) {
        double sum = 0;
        for (const auto& tags : all) {
          EXPECT_LE(score(emissions, weights, tags), best_score);
          const auto at = [](std::size_t i) { return static_cast<std::ptrdiff_t>(i); };
          if (std::equal(tags.begin() + at(begin), tags.begin() + at(end), best.begin() + at(begin))) {
            sum += std::exp(score(emissions, weights, tags) - total);
          }
        }
        EXPECT_NEAR(marginals.of(best, begin, end), sum, 1e-12);
      }
    }
    if (!is_free) {
      EXPECT_EQ(set.write(kit::read_entities_strictly(set.tags(best), set.scheme()), best.size(), {}), best);
    }
  }
}

TEST(NerChain, WithoutStepsWordsStandByThemselves) {
  const Emissions emissions{3, {0, 2, 2, 5, 1, 0}};
  const auto best = best_tags(emissions, {});
  EXPECT_THAT(best, ElementsAre(1, 0));
  const double first = std::exp(2) / (1 + 2 * std::exp(2));
  const double second = std::exp(5) / (std::exp(5) + std::exp(1) + 1);
  const ChainWeights none;
  EXPECT_NEAR(Marginals(emissions, none).of(best, 0, 2), first * second, 1e-12);
  EXPECT_TRUE(best_tags({3, {}}, {}).empty());
  const TagSet set(TagScheme::kIob2, LabelSet::listed({"x"}));
  EXPECT_TRUE(best_tags({3, {}}, allowed_steps(set)).empty());
  // I alone scores highest, but may not begin a sentence.
  EXPECT_THAT(best_tags({3, {0, 1, 9}}, allowed_steps(set)), ElementsAre(1));
}

TEST(NerChain, HugeScoresStayNumbers) {
  const TagSet set(TagScheme::kIob2, LabelSet::listed({"x"}));
  const Emissions emissions{3, {-2000, 3000, 0, 1e5, -1e5, 0, 0, 0, 1e4}};
  const ChainWeights chain = allowed_steps(set);
  const auto best = best_tags(emissions, chain);
  EXPECT_THAT(best, ElementsAre(1, 0, 0));
  EXPECT_NEAR(Marginals(emissions, chain).of(best, 0, 1), 1, 1e-9);
}

// Three sentences of 3, 1 and 4 words, the last two of them stretches that lack a beginning or an end.
class NerCrf : public testing::Test {
 protected:
  NerCrf() {
    at::manual_seed(9);
    batch_ = {at::randn({8, kTags}, at::kDouble), at::tensor({3, 1, 4}, at::kLong),
              at::tensor({1, 0, 1}, at::kLong).to(at::kBool), at::tensor({1, 1, 0}, at::kLong).to(at::kBool)};
    weights_ = random_weights(kTags);
    tags_ = at::tensor({0, 2, 1, 1, 2, 2, 0, 1}, at::kLong);
  }
  at::Tensor likelihood() const {
    return crf_log_likelihood(batch_, tags_, {weights_.transitions, weights_.start, weights_.end});
  }

  static constexpr std::int64_t kTags = 3;
  CrfBatch batch_;
  Weights weights_;
  at::Tensor tags_;
};

TEST_F(NerCrf, LikelihoodIsThatOfAllSequences) {
  const at::Tensor found = likelihood();
  std::int64_t begin = 0;
  for (std::int64_t c = 0; c < 3; ++c) {
    const auto length = batch_.lengths[c].item<std::int64_t>();
    const at::Tensor emissions = batch_.emissions.slice(0, begin, begin + length);
    std::vector<std::int64_t> tags;
    for (std::int64_t w = begin; w < begin + length; ++w) tags.push_back(tags_[w].item<std::int64_t>());
    const auto opens = batch_.opens[c].item<bool>();
    const auto closes = batch_.closes[c].item<bool>();
    EXPECT_NEAR(found[c].item<double>(),
                score(emissions, weights_, tags, opens, closes) - log_total(emissions, weights_, opens, closes), 1e-12);
    begin += length;
  }
}

TEST_F(NerCrf, GradientsAreDifferences) {
  for (at::Tensor* variable : {&batch_.emissions, &weights_.transitions, &weights_.start, &weights_.end}) {
    variable->requires_grad_(true);
    const at::Tensor coefficients = at::tensor({1.0, -2.0, 0.5}, at::kDouble);
    (likelihood() * coefficients).sum().backward();
    const at::Tensor gradient = variable->grad().clone();
    variable->requires_grad_(false);
    at::Tensor flat = variable->view({-1});
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      const auto value = flat[i].item<double>();
      const auto at_value = [&](double v) {
        flat[i].fill_(v);
        return (likelihood() * coefficients).sum().item<double>();
      };
      const double expected = (at_value(value + 1e-5) - at_value(value - 1e-5)) / 2e-5;
      flat[i].fill_(value);
      EXPECT_NEAR(gradient.view({-1})[i].item<double>(), expected, 1e-9);
    }
  }
}

TEST_F(NerCrf, ForbiddenStepsHaveNoProbabilityAndNoGradient) {
  const TagSet set(TagScheme::kIob2, LabelSet::listed({"x"}));
  const CrfWeights rules = scheme_constraints(set);
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    CrfBatch batch{at::zeros({2, 3}, type).requires_grad_(true), at::tensor({2}, at::kLong), at::ones({1}, at::kBool),
                   at::ones({1}, at::kBool)};
    const CrfWeights weights{rules.transitions.to(type), rules.start.to(type), rules.end.to(type)};
    const at::Tensor found = crf_log_likelihood(batch, at::tensor({1, 2}, at::kLong), weights);
    // O O, O B, B O, B B, B I: one of five.
    EXPECT_NEAR(found.item<double>(), -std::log(5.0), 1e-6);
    found.sum().backward();
    EXPECT_EQ(batch.emissions.grad()[0][2].item<double>(), 0);
    EXPECT_TRUE(batch.emissions.grad().isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace berth::ner

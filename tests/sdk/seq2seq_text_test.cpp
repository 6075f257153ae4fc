// The seq2seq plugin's pieces that know no tensors: words, vocabularies, codes, BLEU, ROUGE and the stemmer.
#include <gmock/gmock.h>

#include <cmath>

#include "plugins/seq2seq/bleu.h"
#include "plugins/seq2seq/porter.h"
#include "plugins/seq2seq/rouge.h"
#include "plugins/seq2seq/target_code.h"
#include "plugins/seq2seq/words.h"
#include "seq2seq_support.h"
#include "support.h"

namespace berth::seq2seq {
namespace {

using test::expect_error;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Seq2SeqWords, SplitsAtPythonsWhiteSpace) {
  EXPECT_THAT(split_words("  a\tb\u00A0c\u3000d\u2029e\x1F"
                          "f\u200Bg \n"),
              ElementsAre("a", "b", "c", "d", "e", "f\u200Bg"));
  EXPECT_THAT(split_words(""), IsEmpty());
  EXPECT_THAT(split_words(" \u2003 "), IsEmpty());
  EXPECT_EQ(strip_end("a b \u00A0\n"), "a b");
  EXPECT_EQ(strip_end(" \n"), "");
  EXPECT_EQ(join_words({"a", "b"}), "a b");
  EXPECT_EQ(join_words({}), "");
}

TEST(Seq2SeqWords, PunctuationAtTheEndsIsSplitOff) {
  EXPECT_THAT(split_punctuation({"(two", "jars).", "it's", "...", "\u00E4!"}),
              ElementsAre("(", "two", "jars", ")", ".", "it's", ".", ".", ".", "\u00E4", "!"));
}

TEST(Seq2SeqVocabulary, MostFrequentFirstAndTiesByBytes) {
  const std::map<std::string, std::int64_t> counts = {{"b", 2}, {"a", 2}, {"z", 9}, {"rare", 1}};
  EXPECT_THAT(most_frequent(counts, {}).words(), ElementsAre("z", "a", "b", "rare"));
  EXPECT_THAT(most_frequent(counts, {2, 0}).words(), ElementsAre("z", "a", "b"));
  EXPECT_THAT(most_frequent(counts, {1, 2}).words(), ElementsAre("z", "a"));
  const Vocabulary vocabulary = most_frequent(counts, {});
  EXPECT_EQ(vocabulary.find("z"), Vocabulary::kFirstWord);
  EXPECT_EQ(vocabulary.find("[end]"), std::nullopt);  // a word like any other, should a text hold it
  EXPECT_EQ(vocabulary.word(Vocabulary::kEnd), "[end]");
  expect_error(ErrorKind::kContent, {"'a' twice"}, [] { Vocabulary({"a", "a"}); });
}

class Codes : public testing::Test {
 protected:
  EncodedSource encode(const TargetCode& code, std::vector<std::string> words, std::int64_t max_length = 64) const {
    EncodedSource source{std::move(words), {}, {}};
    EncodeOptions options;
    options.max_length = max_length;
    source.encoding = tokenizer_->encode_words(source.words, options);
    source.copy_ids = code.copy_ids(source.words, source.encoding);
    return source;
  }

  const std::unique_ptr<Tokenizer> tokenizer_ = test::small_tokenizer();
};

TEST_F(Codes, WordsTheVocabularyLacksAreNumberedPerSource) {
  const auto code = make_word_code(std::make_shared<const Vocabulary>(std::vector<std::string>{"play", "[IN:X"}));
  ASSERT_EQ(code->size(), 5);
  const EncodedSource source = encode(*code, {"play", "Ab", "zed", "Ab"});
  // Two letters "a" "##b"; three "z" "##e" "##d".
  EXPECT_THAT(source.copy_ids, ElementsAre(kNoCopy, 3, 5, 5, 6, 6, 6, 5, 5, kNoCopy));
  const auto ids = code->target_ids(" [IN:X  zed Ab other play", source);
  EXPECT_THAT(ids, ElementsAre(4, 6, 5, Vocabulary::kUnknown, 3));
  EXPECT_EQ(code->text(ids, source), "[IN:X zed Ab [unknown] play");
  EXPECT_THAT(code->specials().banned, ElementsAre(Vocabulary::kBegin, Vocabulary::kUnknown));
}

TEST_F(Codes, WhatIsCutOffTheSourceCanNotBeCopied) {
  const auto code = make_word_code(std::make_shared<const Vocabulary>());
  const EncodedSource source = encode(*code, {"ab", "cd", "ef"}, 5);  // [CLS] a ##b c [SEP]: half a word is enough
  EXPECT_THAT(source.copy_ids, ElementsAre(kNoCopy, 3, 3, 4, kNoCopy));
  EXPECT_THAT(code->target_ids("cd ef ab", source), ElementsAre(4, Vocabulary::kUnknown, 3));
}

TEST_F(Codes, AnEmptySourceHasNothingToCopy) {
  const auto code = make_word_code(std::make_shared<const Vocabulary>());
  EXPECT_THAT(encode(*code, {}).copy_ids, ElementsAre(kNoCopy, kNoCopy));
}

TEST_F(Codes, PiecesAreTheEncodersTokens) {
  const auto code = make_piece_code(*tokenizer_);
  EXPECT_EQ(code->size(), tokenizer_->vocabulary_size());
  const EncodedSource source = encode(*code, {"Playing", "\u4E2D"});  // the sign is unknown
  EXPECT_THAT(source.copy_ids, ElementsAre(kNoCopy, tokenizer_->id("play"), tokenizer_->id("##ing"), kNoCopy, kNoCopy));
  const auto ids = code->target_ids("PLAYING, jazz", source);
  EXPECT_EQ(code->text(ids, source), "playing, jazz");
  EXPECT_EQ(code->token(ids[1], source), "##ing");
  EXPECT_EQ(code->specials().begin, tokenizer_->cls_id());
  EXPECT_EQ(code->specials().end, tokenizer_->sep_id());
}

// Figures of sacrebleu 2.6; tests/parity/seq2seq compares thousands live.
TEST(Seq2SeqBleu, TokenizesAsMteval) {
  EXPECT_THAT(
      bleu_words("Hello, \"world\"! 3.5-4 e-mail &amp; co. x,5", BleuTokenizer::k13a),
      ElementsAre("Hello", ",", "\"", "world", "\"", "!", "3.5", "-", "4", "e-mail", "&", "co", ".", "x", ",", "5"));
  EXPECT_THAT(bleu_words("a.b  c \n", BleuTokenizer::kNone), ElementsAre("a.b", "c"));
}

TEST(Seq2SeqBleu, ScoresAsSacrebleu) {
  Bleu bleu(BleuTokenizer::k13a);
  EXPECT_EQ(bleu.score(), 0);
  bleu.add("The cat sat on the mat today .", "The cat sat on the mat .");
  // 7/7, 5/6, 4/5, 3/4 and a brevity penalty of exp(1 - 8/7)
  const double expected = 100 * std::exp(1 - 8.0 / 7) * std::pow(7.0 / 7 * 5 / 6 * 4 / 5 * 3 / 4, 0.25);
  EXPECT_NEAR(bleu.score(), expected, 1e-9);
  Bleu smoothed(BleuTokenizer::kNone);
  smoothed.add("a b c d e", "a x c y e");  // 3/5, then none of 4, 3 and 2: smoothed by 2, 4 and 8
  EXPECT_NEAR(smoothed.score(), 100 * std::pow(3.0 / 5 / (2 * 4) / (4 * 3) / (8 * 2), 0.25), 1e-9);
  Bleu merged(BleuTokenizer::kNone);
  merged.add(bleu.counts());
  merged.add(smoothed.counts());
  EXPECT_EQ(merged.counts()[0], 13);
}

TEST(Seq2SeqBleu, NothingInCommonOrNothingSaidIsZero) {
  Bleu bleu(BleuTokenizer::k13a);
  bleu.add("a b", "c d");
  bleu.add("a b", "");
  EXPECT_EQ(bleu.score(), 0);
  Bleu tiny(BleuTokenizer::k13a);
  tiny.add("a b", "a b");  // no answer has three words
  EXPECT_EQ(tiny.score(), 0);
}

TEST(Seq2SeqRouge, CountsAsRougeScore) {
  EXPECT_THAT(rouge_words("The QUICK-brown f\u00F6x, 2\u212Am \u0130n", Stemming::kNone),
              ElementsAre("the", "quick", "brown", "f", "x", "2km", "i", "n"));
  Rouge rouge(Stemming::kNone);
  rouge.add("The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log.");
  EXPECT_NEAR(rouge.score(Rouge::kOne), 2 * (6.0 / 8) * (6.0 / 9) / (6.0 / 8 + 6.0 / 9), 1e-12);
  EXPECT_NEAR(rouge.score(Rouge::kTwo), 2 * (2.0 / 7) * (2.0 / 8) / (2.0 / 7 + 2.0 / 8), 1e-12);
  EXPECT_NEAR(rouge.score(Rouge::kLongest), 2 * (5.0 / 8) * (5.0 / 9) / (5.0 / 8 + 5.0 / 9), 1e-12);
  rouge.add("", "");
  EXPECT_LT(rouge.score(Rouge::kOne), 0.36);  // an empty one counts as 0
  EXPECT_TRUE(std::isnan(Rouge(Stemming::kNone).score(Rouge::kOne)));
}

TEST(Seq2SeqPorter, StemsAsNltk) {
  const std::pair<const char*, const char*> kStems[] = {
      {"caresses", "caress"},     {"ponies", "poni"},    {"flies", "fli"},        {"dies", "die"},
      {"plastered", "plaster"},   {"motoring", "motor"}, {"hopping", "hop"},      {"falling", "fall"},
      {"filing", "file"},         {"happy", "happi"},    {"enjoy", "enjoy"},      {"relational", "relat"},
      {"radically", "radic"},     {"geologi", "geolog"}, {"hopefulness", "hope"}, {"adoption", "adopt"},
      {"controlling", "control"}, {"skies", "sky"},      {"dying", "die"},        {"yyyyies", "yyyyi"},
      {"electricity", "electr"},  {"spied", "spi"},      {"died", "die"},         {"generalizations", "gener"}};
  for (const auto& [word, stem] : kStems) EXPECT_EQ(porter_stem(word), stem) << word;
}

}  // namespace
}  // namespace berth::seq2seq

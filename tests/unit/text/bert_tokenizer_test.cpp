// What goldens can't hold: errors, and the calls that only look tokens up.
#include "core/text/bert_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "berth/error.h"
#include "core/text/load_tokenizer.h"

namespace berth::text {
namespace {

using testing::HasSubstr;

class BertTokenizerTest : public testing::Test {
 protected:
  std::string message(ErrorKind kind, const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  const std::unique_ptr<Tokenizer> tokenizer_ = load_tokenizer(std::string(BERTH_TEST_DATA) + "/uncased");
  const std::string text_ = "the quick brown fox";
};

TEST_F(BertTokenizerTest, LimitsThatCannotHold) {
  EXPECT_THAT(message(ErrorKind::kConfig,
                      [&] {
                        tokenizer_->encode(text_, {1, Truncation::kLongestFirst, true});
                      }),
              HasSubstr("max_length is 1"));
  EXPECT_EQ(tokenizer_->encode(text_, {0, Truncation::kLongestFirst, false}).size(), 0u);
  EXPECT_EQ(tokenizer_->encode(text_, {1, Truncation::kNone, true}).size(), 6u);
  EXPECT_THAT(message(ErrorKind::kContent,
                      [&] {
                        tokenizer_->encode_pair(text_, text_, {7, Truncation::kOnlySecond, true});
                      }),
              HasSubstr("raise max_length"));
}

TEST_F(BertTokenizerTest, StridesThatCannotHold) {
  EXPECT_THAT(message(ErrorKind::kContent,
                      [&] {
                        tokenizer_->windows(text_, {4, 2, Truncation::kOnlyFirst});
                      }),
              HasSubstr("lower the stride to 0..1"));
  EXPECT_EQ(tokenizer_->windows(text_, {4, 1, Truncation::kOnlyFirst}).size(), 3u);
  EXPECT_EQ(tokenizer_->windows(text_, {6, 100, Truncation::kOnlyFirst}).size(), 1u);
  message(ErrorKind::kContent, [&] { tokenizer_->windows(text_, {4, -1, Truncation::kOnlyFirst}); });
  message(ErrorKind::kConfig, [&] { tokenizer_->windows_pair(text_, text_, {9, 1, Truncation::kLongestFirst}); });
}

TEST_F(BertTokenizerTest, WindowsOfOneTextCutThatText) {
  EXPECT_EQ(tokenizer_->windows(text_, {4, 0, Truncation::kOnlySecond}).size(), 2u);
}

TEST_F(BertTokenizerTest, LooksTokensUp) {
  EXPECT_EQ(tokenizer_->id("[CLS]"), tokenizer_->cls_id());
  EXPECT_EQ(tokenizer_->token(tokenizer_->id("##able")), "##able");
  EXPECT_TRUE(tokenizer_->contains("Caf\u00E9 X"));
  EXPECT_EQ(tokenizer_->id("no such token"), tokenizer_->unk_id());
  EXPECT_FALSE(tokenizer_->contains("no such token"));
  EXPECT_EQ(tokenizer_->token(static_cast<std::int32_t>(tokenizer_->vocabulary_size()) - 1), "Caf\u00E9 X");
}

TEST_F(BertTokenizerTest, UnknownIdsAreErrors) {
  const auto beyond = static_cast<std::int32_t>(tokenizer_->vocabulary_size());
  EXPECT_THAT(message(ErrorKind::kContent, [&] { tokenizer_->token(beyond); }), HasSubstr("no token with id"));
  message(ErrorKind::kContent, [&] { tokenizer_->token(-1); });
  EXPECT_TRUE(tokenizer_->has_id(beyond - 1));
  EXPECT_FALSE(tokenizer_->has_id(beyond));
  EXPECT_FALSE(tokenizer_->has_id(-1));
  message(ErrorKind::kContent, [&] { tokenizer_->decode({beyond}); });
}

TEST_F(BertTokenizerTest, WordsAreTokenizedEachByItself) {
  const Encoding encoding = tokenizer_->encode_words({"jumped", "", "a b", "[SEP]"}, {});
  EXPECT_EQ(encoding.words, (std::vector<std::int32_t>{-1, 0, 0, 2, 2, 3, -1}));
  EXPECT_EQ(encoding.offsets[2], (Span{4, 6}));
  EXPECT_EQ(encoding.offsets[4], (Span{2, 3}));
  EXPECT_EQ(encoding.specials, (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0, 1}));
}

TEST_F(BertTokenizerTest, WindowsOverWordsKnowWhoseTheirTokensAre) {
  const std::vector<std::string> words = {"jumped", "", "a b", "[SEP]"};  // 5 tokens
  const std::vector<Encoding> windows = tokenizer_->windows_words(words, {5, 1, Truncation::kOnlySecond});
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[0].words, (std::vector<std::int32_t>{-1, 0, 0, 2, -1}));
  EXPECT_EQ(windows[1].words, (std::vector<std::int32_t>{-1, 2, 2, 3, -1}));
  EXPECT_EQ(windows[1].offsets[2], (Span{2, 3}));
  EXPECT_EQ(tokenizer_->windows_words(words, {7, 1, Truncation::kOnlySecond}).front().ids,
            tokenizer_->encode_words(words, {}).ids);
}

}  // namespace
}  // namespace berth::text

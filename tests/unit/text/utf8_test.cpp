#include "core/text/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth::text {
namespace {

// Characters with the number of bytes of each.
std::vector<std::pair<char32_t, std::uint32_t>> decode_all(const std::string& text) {
  std::vector<std::pair<char32_t, std::uint32_t>> characters;
  for (const char* at = text.data(); at != text.data() + text.size();) {
    const Decoded decoded = decode_utf8(at, text.data() + text.size());
    characters.emplace_back(decoded.character, decoded.bytes);
    at += decoded.bytes;
  }
  return characters;
}

using Characters = std::vector<std::pair<char32_t, std::uint32_t>>;

TEST(Utf8, EveryCharacterComesBackAsWritten) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append_utf8(c, text);
    const Decoded first = decode_utf8(text.data(), text.data() + text.size());
    const Decoded last = decode_last_utf8(text.data(), text.data() + text.size());
    ASSERT_EQ(first.character, c);
    ASSERT_EQ(first.bytes, text.size());
    ASSERT_EQ(last.character, c);
    ASSERT_TRUE(is_valid_utf8(text.data(), text.data() + text.size()));
  }
}

// The examples of The Unicode Standard, section 3.9, "U+FFFD Substitution of Maximal Subparts".
TEST(Utf8, BrokenBytesAreReadByMaximalSubparts) {
  EXPECT_EQ(decode_all("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), (Characters{{0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {'A', 1}}));
  EXPECT_EQ(decode_all("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), (Characters{{0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {'A', 1}}));
  EXPECT_EQ(decode_all("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), (Characters{{0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {'A', 1},
                                                                            {0xFFFD, 1},
                                                                            {0xFFFD, 1},
                                                                            {'B', 1}}));
  EXPECT_EQ(decode_all("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            (Characters{{0xFFFD, 2}, {0xFFFD, 1}, {0xFFFD, 3}, {0xFFFD, 2}, {'A', 1}}));
}

TEST(Utf8, ACutEndIsOneCharacter) {
  EXPECT_EQ(decode_all("a\xF0\x9F\x98"), (Characters{{'a', 1}, {0xFFFD, 3}}));
  EXPECT_EQ(decode_all("\xC3"), (Characters{{0xFFFD, 1}}));
}

TEST(Utf8, ValidityKnowsTheReplacementCharacterItself) {
  const std::string good = "x\xEF\xBF\xBD";
  const std::string bad = "x\xF0\x9F\x98";
  EXPECT_TRUE(is_valid_utf8(good.data(), good.data() + good.size()));
  EXPECT_FALSE(is_valid_utf8(bad.data(), bad.data() + bad.size()));
}

TEST(Utf8, TheLastCharacterBeforeABrokenByte) {
  const std::string text = "\xC3\xA9\x80";
  EXPECT_EQ(decode_last_utf8(text.data(), text.data() + 3).bytes, 1u);
  EXPECT_EQ(decode_last_utf8(text.data(), text.data() + 2).character, 0xE9u);
}

}  // namespace
}  // namespace berth::text

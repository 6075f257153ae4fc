#include "core/text/normalizer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth::text {
namespace {

NormalizedText normalize(const std::string& text, const NormalizerOptions& options = {}, std::uint32_t start = 0) {
  NormalizedText result;
  Normalizer(options).normalize(text, start, result);
  return result;
}

TEST(Normalizer, AccentsAndCase) {
  EXPECT_EQ(normalize("Caf\u00C9 \u0130").text, "cafe i");
  EXPECT_EQ(normalize("Caf\u00C9", {true, true, false, true}).text, "caf\u00E9");
  EXPECT_EQ(normalize("Caf\u00C9", {true, true, true, false}).text, "CafE");
  EXPECT_EQ(normalize("\u0130", {true, true, false, true}).text, "i\u0307");
}

TEST(Normalizer, CleaningUp) {
  EXPECT_EQ(normalize(std::string("a\0b\tc\u00A0d\u200De\n", 13)).text, "ab c de ");
  EXPECT_EQ(normalize("a\tb\x01", {false, true, true, true}).text, "a\tb\x01");
  EXPECT_EQ(normalize("a\xFF\xE2\x82").text, "a");
  EXPECT_EQ(normalize("a\xFF", {false, true, true, true}).text, "a\uFFFD");
}

TEST(Normalizer, ChineseCharactersGetSpaces) {
  EXPECT_EQ(normalize("a\u4E2Db").text, "a \u4E2D b");
  EXPECT_EQ(normalize("a\u4E2Db", {true, false, true, true}).text, "a\u4E2Db");
}

TEST(Normalizer, OriginsAreBytesOfTheText) {
  const NormalizedText result = normalize("\u00C9\x01x\u4E2D", {}, 10);
  EXPECT_EQ(result.text, "ex \u4E2D ");
  const Span chinese = {14, 17};
  const std::vector<Span> expected = {{10, 12}, {13, 14}, chinese, chinese, chinese, chinese, chinese};
  EXPECT_EQ(result.origins, expected);
}

// U+302E has class 224, U+1D165 has 216 and goes first; neither is left out. Origins stay in the order of the text.
TEST(Normalizer, ReorderedMarksKeepOriginsByPosition) {
  const NormalizedText result = normalize("a\u302E\U0001D165b");
  EXPECT_EQ(result.text, "a\U0001D165\u302Eb");
  const Span first = {1, 4};
  const Span second = {4, 8};
  const std::vector<Span> expected = {{0, 1}, first, first, first, first, second, second, second, {8, 9}};
  EXPECT_EQ(result.origins, expected);
}

TEST(Normalizer, ResultIsClearedFirst) {
  NormalizedText result;
  const Normalizer normalizer({});
  normalizer.normalize("abc", 0, result);
  normalizer.normalize("", 0, result);
  EXPECT_TRUE(result.text.empty());
  EXPECT_TRUE(result.origins.empty());
}

}  // namespace
}  // namespace berth::text

#include "core/text/wordpiece.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth::text {
namespace {

constexpr std::int32_t kUnknown = 9;

std::vector<std::vector<std::uint32_t>> split(const WordPiece& model, const std::string& word) {
  std::vector<Piece> pieces;
  model.split(word, pieces);
  std::vector<std::vector<std::uint32_t>> found;
  for (const Piece& piece : pieces) found.push_back({static_cast<std::uint32_t>(piece.id), piece.begin, piece.end});
  return found;
}

using Found = std::vector<std::vector<std::uint32_t>>;

WordPiece model(const WordPiece::Vocabulary& vocabulary, std::int64_t longest_word = 100) {
  return WordPiece(vocabulary, {"##", longest_word, kUnknown});
}

TEST(WordPiece, TakesTheLongestPieceEachTime) {
  const WordPiece pieces = model({{"un", 0}, {"unaf", 1}, {"##aff", 2}, {"##fable", 3}, {"##f", 4}, {"##able", 5}});
  EXPECT_EQ(split(pieces, "unaffable"), (Found{{1, 0, 4}, {3, 4, 9}}));
  EXPECT_EQ(split(pieces, "un"), (Found{{0, 0, 2}}));
}

TEST(WordPiece, DoesNotGoBackWhereTheLongestLeadsNowhere) {
  const WordPiece pieces = model({{"a", 0}, {"ab", 1}, {"##bc", 2}});
  EXPECT_EQ(split(pieces, "abc"), (Found{{kUnknown, 0, 3}}));
}

TEST(WordPiece, PiecesThatGoOnDoNotBeginAWord) {
  EXPECT_EQ(split(model({{"##a", 0}}), "a"), (Found{{kUnknown, 0, 1}}));
  EXPECT_EQ(split(model({{"a", 0}}), "aa"), (Found{{kUnknown, 0, 2}}));
}

TEST(WordPiece, CountsCharactersAgainstTheLongestWord) {
  const WordPiece pieces = model({{"\u00E9", 0}, {"##\u00E9", 1}}, 3);
  EXPECT_EQ(split(pieces, "\u00E9\u00E9\u00E9"), (Found{{0, 0, 2}, {1, 2, 4}, {1, 4, 6}}));
  EXPECT_EQ(split(pieces, "\u00E9\u00E9\u00E9\u00E9"), (Found{{kUnknown, 0, 8}}));
}

TEST(WordPiece, FindsPiecesLongerThanAreHashedAtOnce) {
  const std::string longest(90, 'x');
  const WordPiece pieces = model({{longest, 0}, {"##" + longest.substr(0, 70), 1}, {"##y", 2}}, 1000);
  EXPECT_EQ(split(pieces, longest + longest.substr(0, 70) + "y"), (Found{{0, 0, 90}, {1, 90, 160}, {2, 160, 161}}));
}

TEST(WordPiece, OfEqualPiecesTheLastCounts) {
  const WordPiece pieces = model({{"a", 0}, {"b", 1}, {"a", 2}});
  EXPECT_EQ(pieces.find("a"), 2);
  EXPECT_EQ(pieces.size(), 2u);
}

TEST(PieceTable, HoldsAHundredThousand) {
  PieceTable table;
  table.reserve(100000);
  for (std::int32_t i = 0; i < 100000; ++i) table.insert("piece" + std::to_string(i), i);
  for (std::int32_t i = 0; i < 100000; ++i) ASSERT_EQ(table.find("piece" + std::to_string(i)), i);
  EXPECT_EQ(table.find("piece100000"), PieceTable::kMissing);
  EXPECT_EQ(table.find(""), PieceTable::kMissing);
}

}  // namespace
}  // namespace berth::text

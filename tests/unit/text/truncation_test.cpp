#include "core/text/truncation.h"

#include <gtest/gtest.h>

#include "berth/error.h"

namespace berth::text {
namespace {

std::pair<std::size_t, std::size_t> longest(std::size_t first, std::size_t second, std::size_t room) {
  const TokenCounts kept = truncate({first, second}, true, room, Truncation::kLongestFirst);
  return {kept.first, kept.second};
}

// The table of the Rust library's own test.
TEST(Truncation, LongestFirst) {
  using Pair = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(longest(0, 8, 7), Pair(0, 7));
  EXPECT_EQ(longest(2, 4, 7), Pair(2, 4));
  EXPECT_EQ(longest(2, 8, 7), Pair(2, 5));
  EXPECT_EQ(longest(4, 4, 7), Pair(3, 4));
  EXPECT_EQ(longest(4, 8, 7), Pair(3, 4));
  EXPECT_EQ(longest(8, 0, 7), Pair(7, 0));
  EXPECT_EQ(longest(8, 2, 7), Pair(5, 2));
  EXPECT_EQ(longest(8, 4, 7), Pair(4, 3));
  EXPECT_EQ(longest(8, 8, 7), Pair(3, 4));
  EXPECT_EQ(longest(8, 8, 0), Pair(0, 0));
}

ErrorKind kind_of(const TokenCounts& counts, bool is_pair, std::size_t room, Truncation truncation) {
  try {
    truncate(counts, is_pair, room, truncation);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kIo;
}

TEST(Truncation, OneTextAloneMayNotBeEnough) {
  EXPECT_EQ(truncate({6, 3}, true, 7, Truncation::kOnlySecond).second, 1u);
  EXPECT_EQ(kind_of({6, 3}, true, 6, Truncation::kOnlySecond), ErrorKind::kContent);
  EXPECT_EQ(truncate({6, 3}, true, 4, Truncation::kOnlyFirst).first, 1u);
  EXPECT_EQ(kind_of({6, 3}, true, 3, Truncation::kOnlyFirst), ErrorKind::kContent);
  EXPECT_EQ(kind_of({6, 0}, false, 3, Truncation::kOnlySecond), ErrorKind::kConfig);
  EXPECT_EQ(truncate({6, 3}, true, 1, Truncation::kNone).first, 6u);
}

TEST(Truncation, RoomIsWhatSpecialTokensLeave) {
  EXPECT_EQ(room_for_text(8, 3), 5u);
  EXPECT_EQ(room_for_text(3, 3), 0u);
  EXPECT_THROW(room_for_text(2, 3), Error);
  EXPECT_THROW(room_for_text(-1, 0), Error);
}

TEST(Truncation, WindowsShareTheStrideAndEndWithTheText) {
  using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;
  EXPECT_EQ(window_ranges(10, 4, 1), (Ranges{{0, 4}, {3, 7}, {6, 10}}));
  EXPECT_EQ(window_ranges(9, 4, 0), (Ranges{{0, 4}, {4, 8}, {8, 9}}));
  EXPECT_EQ(window_ranges(8, 4, 3), (Ranges{{0, 4}, {1, 5}, {2, 6}, {3, 7}, {4, 8}}));
  EXPECT_EQ(window_ranges(4, 4, 2), (Ranges{{0, 4}}));
  EXPECT_EQ(window_ranges(0, 4, 2), (Ranges{{0, 0}}));
}

}  // namespace
}  // namespace berth::text

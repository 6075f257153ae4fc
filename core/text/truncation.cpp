#include "core/text/truncation.h"

#include <fmt/format.h>

#include <algorithm>

#include "berth/error.h"

namespace berth::text {
namespace {

// Only the longer text is cut while it stays the longer one; then both get half of the room. The text that was longer
// (of equal ones the second) keeps the odd token.
TokenCounts truncate_longest(const TokenCounts& counts, std::size_t room) {
  const bool first_is_longer = counts.first > counts.second;
  const std::size_t shorter = std::min(counts.first, counts.second);
  TokenCounts kept;  // first: of the shorter text
  if (shorter <= room / 2) {
    kept = {shorter, room - shorter};
  } else {
    kept = {room / 2, room - room / 2};
  }
  return first_is_longer ? TokenCounts{kept.second, kept.first} : kept;
}

[[noreturn]] void refuse(std::size_t other, std::size_t room, const char* cut, const char* kept) {
  throw Error(
      ErrorKind::kContent,
      fmt::format("the {} text has {} tokens and only {} fit beside the special ones, so truncating the {} text "
                  "alone is not enough: raise max_length, or truncate \"longest_first\"",
                  kept, other, room, cut));
}

}  // namespace

std::size_t room_for_text(std::int64_t max_length, std::size_t specials) {
  if (max_length < static_cast<std::int64_t>(specials)) {
    throw Error(
        ErrorKind::kConfig,
        fmt::format("max_length is {}, but the special tokens alone are {}: raise max_length", max_length, specials));
  }
  return static_cast<std::size_t>(max_length) - specials;
}

TokenCounts truncate(const TokenCounts& counts, bool is_pair, std::size_t room, Truncation truncation) {
  if (truncation == Truncation::kNone || counts.first + counts.second <= room) return counts;
  if (room == 0) return {0, 0};
  if (truncation == Truncation::kOnlySecond) {
    if (!is_pair) {
      throw Error(ErrorKind::kConfig,
                  "truncation is \"only_second\", but there is one text: use \"only_first\" or \"longest_first\"");
    }
    if (counts.first >= room) refuse(counts.first, room, "second", "first");
    return {counts.first, room - counts.first};
  }
  if (truncation == Truncation::kOnlyFirst) {
    if (counts.second >= room) refuse(counts.second, room, "first", "second");
    return {room - counts.second, counts.second};
  }
  return is_pair ? truncate_longest(counts, room) : TokenCounts{room, 0};
}

std::vector<std::pair<std::size_t, std::size_t>> window_ranges(std::size_t count, std::size_t size,
                                                               std::size_t stride) {
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  std::size_t begin = 0;
  while (begin + size < count) {
    ranges.emplace_back(begin, begin + size);
    begin += size - stride;
  }
  ranges.emplace_back(begin, count);
  return ranges;
}

}  // namespace berth::text

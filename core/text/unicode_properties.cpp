#include "core/text/unicode_properties.h"

#include <utf8proc.h>

#include <algorithm>
#include <iterator>
#include <vector>

namespace berth::text {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

struct ClassRange {
  char32_t first;
  char32_t last;
  std::uint8_t combining_class;
};

struct Mapping {
  char32_t from;
  char32_t to;
};

#include "core/text/unicode_tables.inc"

constexpr Range kHangulSyllables = {0xAC00, 0xD7A3};
constexpr char32_t kCapitalIWithDot = 0x130;

// Planes 0 and 1 are looked up in an array; the few characters of the others that have properties, in the ranges.
constexpr char32_t kTableSize = 0x20000;

template <typename Entry, std::size_t N>
const Entry* find_range(const Entry (&ranges)[N], char32_t character) {
  const Entry* after = std::upper_bound(std::begin(ranges), std::end(ranges), character,
                                        [](char32_t c, const Entry& range) { return c < range.first; });
  if (after == std::begin(ranges)) return nullptr;
  const Entry* range = after - 1;
  return character <= range->last ? range : nullptr;
}

char32_t simple_lower(char32_t character) {
  const auto lower = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character)));
  if (lower != character) return lower;
  const Mapping* newer = std::lower_bound(std::begin(kNewerLower), std::end(kNewerLower), character,
                                          [](const Mapping& mapping, char32_t c) { return mapping.from < c; });
  return newer != std::end(kNewerLower) && newer->from == character ? newer->to : character;
}

std::vector<std::uint8_t> make_table() {
  std::vector<std::uint8_t> table(kTableSize, 0);
  const auto mark = [&table](char32_t first, char32_t last, CharacterFlag flag) {
    for (char32_t c = first; c <= last && c < kTableSize; ++c) table[c] |= flag;
  };
  for (const Range& range : kDropped) mark(range.first, range.last, kIsDropped);
  for (const Range& range : kSpace) mark(range.first, range.last, kIsSpace);
  for (const Range& range : kPunctuation) mark(range.first, range.last, kIsPunctuation);
  for (const Range& range : kChinese) mark(range.first, range.last, kIsChinese);
  for (const Range& range : kMark) mark(range.first, range.last, kIsMark);
  for (const Range& range : kDecomposes) mark(range.first, range.last, kIsComposed);
  mark(kHangulSyllables.first, kHangulSyllables.last, kIsComposed);
  for (const ClassRange& range : kCombiningClass) mark(range.first, range.last, kReorders);
  for (char32_t c = 0; c < kTableSize; ++c) {
    if (simple_lower(c) != c) table[c] |= kHasLower;
  }
  return table;
}

std::uint8_t flags_beyond_table(char32_t character) {
  unsigned flags = 0;
  if (find_range(kDropped, character)) flags |= kIsDropped;
  if (find_range(kChinese, character)) flags |= kIsChinese;
  if (find_range(kMark, character)) flags |= kIsMark;
  if (find_range(kDecomposes, character)) flags |= kIsComposed;
  return static_cast<std::uint8_t>(flags);
}

// Nothing beyond the table is white space, punctuation, reordered or has a lower case.
static_assert(std::end(kSpace)[-1].last < kTableSize && std::end(kPunctuation)[-1].last < kTableSize &&
              std::end(kCombiningClass)[-1].last < kTableSize && std::end(kNewerLower)[-1].from < kTableSize);

}  // namespace

std::uint8_t character_flags(char32_t character) {
  static const std::vector<std::uint8_t> table = make_table();
  return character < kTableSize ? table[character] : flags_beyond_table(character);
}

std::uint8_t combining_class(char32_t character) {
  const ClassRange* range = find_range(kCombiningClass, character);
  return range ? range->combining_class : 0;
}

Characters decompose(char32_t character) {
  if ((character_flags(character) & kIsComposed) == 0) return {{character}, 1};
  std::array<utf8proc_int32_t, 4> buffer{};
  int boundary = 0;
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), buffer.data(), buffer.size(),
                              static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &boundary);
  Characters result;
  result.count = static_cast<std::size_t>(count);
  std::copy_n(buffer.begin(), result.count, result.values.begin());
  return result;
}

Characters to_lower(char32_t character) {
  if (character == kCapitalIWithDot) return {{U'i', 0x307}, 2};
  return {{simple_lower(character)}, 1};
}

bool is_word_character(char32_t character) {
  constexpr Range kJoiners = {0x200C, 0x200D};
  // Circled and squared letters: alphabetic, though their category is "other symbol".
  constexpr Range kAlphabeticSymbols[] = {{0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};
  if (find_range(kNewerWord, character) || find_range(kAlphabeticSymbols, character)) return true;
  if (character == kJoiners.first || character == kJoiners.last) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

}  // namespace berth::text

#include "words.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace berth::ner {
namespace {

enum class Kind : std::uint8_t { kLetter, kSpace, kMark, kIdeograph };  // mark: Unicode's punctuation, ASCII's signs

struct Range {
  char32_t first;
  char32_t last;
  Kind kind;
};

struct MarkRange {
  char32_t first;
  char32_t last;
};

#include "marks.inc"

// Of what is not ASCII: Unicode's white space, and the blocks of ideographs that BERT's tokenizer splits one by one.
// Sorted.
constexpr std::array kRanges = {
    Range{0x85, 0x85, Kind::kSpace},           Range{0xA0, 0xA0, Kind::kSpace},
    Range{0x1680, 0x1680, Kind::kSpace},       Range{0x2000, 0x200A, Kind::kSpace},
    Range{0x2028, 0x2029, Kind::kSpace},       Range{0x202F, 0x202F, Kind::kSpace},
    Range{0x205F, 0x205F, Kind::kSpace},       Range{0x3000, 0x3000, Kind::kSpace},
    Range{0x3400, 0x4DBF, Kind::kIdeograph},   Range{0x4E00, 0x9FFF, Kind::kIdeograph},
    Range{0xF900, 0xFAFF, Kind::kIdeograph},   Range{0x20000, 0x2A6DF, Kind::kIdeograph},
    Range{0x2A700, 0x2CEAF, Kind::kIdeograph}, Range{0x2F800, 0x2FA1F, Kind::kIdeograph},
};

Kind kind_of_ascii(char32_t c) {
  if (c <= 0x20 || c == 0x7F) return c == ' ' || (c >= '\t' && c <= '\r') ? Kind::kSpace : Kind::kLetter;
  const bool is_mark = c <= '/' || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || c >= '{';
  return is_mark ? Kind::kMark : Kind::kLetter;
}

// The range that holds c, or null. ranges: sorted.
template <typename Ranges>
const auto* find_range(const Ranges& ranges, char32_t c) {
  const auto* after = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                       [](char32_t value, const auto& range) { return value < range.first; });
  return after == std::begin(ranges) || (after - 1)->last < c ? nullptr : after - 1;
}

Kind kind_of(char32_t c) {
  if (c < 0x80) return kind_of_ascii(c);
  if (find_range(kMarks, c) != nullptr) return Kind::kMark;
  const Range* range = find_range(kRanges, c);
  return range == nullptr ? Kind::kLetter : range->kind;
}

std::size_t bytes_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

char32_t decode(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes.front());
  if (bytes.size() == 1) return lead;
  char32_t value = lead & (0x7FU >> bytes.size());
  for (const char c : bytes.substr(1)) value = (value << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  return value;
}

struct Character {
  Span bytes;
  Kind kind;
};

// A stretch without white space becomes words.
void split_stretch(const std::vector<Character>& all, std::size_t begin, std::size_t end, Splitting splitting,
                   std::vector<Span>& words) {
  std::size_t core_begin = begin;
  std::size_t core_end = end;
  if (splitting == Splitting::kAtEdges) {
    while (core_begin < end && all[core_begin].kind == Kind::kMark) ++core_begin;
    while (core_end > core_begin && all[core_end - 1].kind == Kind::kMark) --core_end;
  }
  const auto is_alone = [&](std::size_t i) {
    if (all[i].kind == Kind::kIdeograph) return true;
    if (all[i].kind != Kind::kMark || splitting == Splitting::kSpace) return false;
    return splitting == Splitting::kPunctuation || i < core_begin || i >= core_end;
  };
  bool goes_on = false;
  for (std::size_t i = begin; i < end; ++i) {
    const bool alone = is_alone(i);
    if (goes_on && !alone) {
      words.back().end = all[i].bytes.end;
    } else {
      words.push_back(all[i].bytes);
    }
    goes_on = !alone;
  }
}

}  // namespace

std::vector<Span> split_words(std::string_view text, Splitting splitting) {
  std::vector<Character> characters;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = bytes_of(text[at]);
    characters.push_back({{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + size)},
                          kind_of(decode(text.substr(at, size)))});
    at += size;
  }
  std::vector<Span> words;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= characters.size(); ++i) {
    if (i < characters.size() && characters[i].kind != Kind::kSpace) continue;
    split_stretch(characters, begin, i, splitting, words);
    begin = i + 1;
  }
  return words;
}

CodePoints::CodePoints(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); at += bytes_of(text[at])) bytes_.push_back(at);
  bytes_.push_back(text.size());
}

std::size_t CodePoints::code_point(std::size_t byte) const {
  return static_cast<std::size_t>(std::lower_bound(bytes_.begin(), bytes_.end(), byte) - bytes_.begin());
}

}  // namespace berth::ner

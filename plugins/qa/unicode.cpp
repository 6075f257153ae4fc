#include "unicode.h"

#include <algorithm>
#include <iterator>

#include "berth/kit/text.h"

namespace berth::qa {
namespace {

// The names of the flags are as short as the table is long.
enum Class : std::uint8_t {
  W = 1,  // \w
  S = 2,  // white space
  C = 4,  // has case
  I = 8,  // what str.lower() passes over when it looks for a letter that has case
};

struct ClassRange {
  char32_t first;
  char32_t last;
  int classes;
};

struct LowerRun {
  char32_t first;
  char32_t last;
  char32_t step;
  std::int32_t difference;
};

#include "unicode_tables.inc"

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalIWithDot = 0x130;
constexpr char32_t kDotAbove = 0x307;

template <typename Entry, std::size_t N>
const Entry* find(const Entry (&table)[N], char32_t character) {
  const Entry* after = std::upper_bound(std::begin(table), std::end(table), character,
                                        [](char32_t c, const Entry& entry) { return c < entry.first; });
  if (after == std::begin(table)) return nullptr;
  const Entry* entry = after - 1;
  return character <= entry->last ? entry : nullptr;
}

bool is(int classes, char32_t character) {
  const ClassRange* range = find(kClasses, character);
  return range != nullptr && (range->classes & classes) != 0;
}

char32_t simple_lower(char32_t character) {
  if (character < 0x80) return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
  const LowerRun* run = find(kLower, character);
  if (run == nullptr || (character - run->first) % run->step != 0) return character;
  return static_cast<char32_t>(static_cast<std::int32_t>(character) + run->difference);
}

// Unicode's Final_Sigma: a letter with case before it, none after it, with any number of marks and such between.
char32_t lower_sigma(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && is(I, text[before - 1])) --before;
  if (before == 0 || !is(C, text[before - 1])) return kSmallSigma;
  std::size_t after = at + 1;
  while (after < text.size() && is(I, text[after])) ++after;
  return after < text.size() && is(C, text[after]) ? kSmallSigma : kFinalSigma;
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

bool is_word_character(char32_t character) { return is(W, character); }

bool is_space(char32_t character) { return is(S, character); }

std::u32string decode_utf8(std::string_view text) {
  std::string replaced;
  if (kit::find_invalid_utf8(text) != std::string_view::npos) text = replaced = kit::replace_invalid_utf8(text);
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t character = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      character = (character << 6U) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    result.push_back(character);
    i += length;
  }
  return result;
}

std::string encode_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t c : text) {
    const auto continuation = [&](unsigned shift) {
      result.push_back(static_cast<char>(0x80U | ((static_cast<unsigned>(c) >> shift) & 0x3FU)));
    };
    if (c < 0x80) {
      result.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      result.push_back(static_cast<char>(0xC0U | (c >> 6U)));
      continuation(0);
    } else if (c < 0x10000) {
      result.push_back(static_cast<char>(0xE0U | (c >> 12U)));
      continuation(6);
      continuation(0);
    } else {
      result.push_back(static_cast<char>(0xF0U | (c >> 18U)));
      continuation(12);
      continuation(6);
      continuation(0);
    }
  }
  return result;
}

std::u32string to_lower(std::u32string_view text) {
  std::u32string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kCapitalIWithDot) {
      result.push_back('i');
      result.push_back(kDotAbove);
    } else {
      result.push_back(text[i] == kCapitalSigma ? lower_sigma(text, i) : simple_lower(text[i]));
    }
  }
  return result;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !continues(byte); }));
}

std::size_t byte_of_code_point(std::string_view text, std::size_t index) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues(text[i])) continue;
    if (seen == index) return i;
    ++seen;
  }
  return seen == index ? text.size() : std::string_view::npos;
}

}  // namespace berth::qa

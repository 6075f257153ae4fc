// What the Rust tokenizers library takes each character to be: unicode_tables.inc holds its answers (see README.md).
// Used by the normalizer and by the splitting into words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace berth::text {

enum CharacterFlag : std::uint8_t {
  kIsDropped = 1,      // left out by clean_text: control, format, private use, U+FFFD
  kIsSpace = 2,        // Unicode's white space
  kIsPunctuation = 4,  // a word by itself
  kIsChinese = 8,      // given spaces by handle_chinese_chars
  kIsMark = 16,        // nonspacing mark, left out by strip_accents
  kIsComposed = 32,    // has a canonical decomposition
  kReorders = 64,      // has a combining class other than 0
  kHasLower = 128,     // lower case is another character, or several
};

// The flags of a character; `character` is at most 0x10FFFF.
std::uint8_t character_flags(char32_t character);

// 0 for most; asked only where kReorders is set.
std::uint8_t combining_class(char32_t character);

struct Characters {
  std::array<char32_t, 4> values{};
  std::size_t count = 0;

  const char32_t* begin() const { return values.data(); }
  const char32_t* end() const { return values.data() + count; }
};

// The full canonical decomposition, not yet in canonical order with its neighbours.
Characters decompose(char32_t character);

// As Rust's char::to_lowercase: U+0130 gives two characters, every other one.
Characters to_lower(char32_t character);

// \w of Rust's regex crate.
bool is_word_character(char32_t character);

}  // namespace berth::text

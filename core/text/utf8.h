// Reading and writing UTF-8 one character at a time. Used by everything in core/text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth::text {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t character = 0;   // kReplacement where the bytes are broken
  std::uint32_t bytes = 0;  // at least 1
};

// The character at `at` (which is before `end`). Broken bytes are read as Unicode's "maximal subpart" practice says:
// the longest start of a well-formed sequence, or one byte, is one U+FFFD. Python's decoder does the same.
Decoded decode_utf8(const char* at, const char* end);

// The last character of [begin, end), which must not be empty. A broken one counts as one byte.
Decoded decode_last_utf8(const char* begin, const char* end);

bool is_valid_utf8(const char* at, const char* end);

// Where the character begins that has the byte `at`; the text's size for what lies behind it. text: valid UTF-8.
std::size_t character_begin(std::string_view text, std::size_t at);

void append_utf8(char32_t character, std::string& text);

}  // namespace berth::text

// Characters as Python sees them: the official SQuAD scripts are Python, so that their lower case, their white space
// and their word boundaries are its own. unicode_tables.inc holds its answers, written by
// tests/support/python_unicode.py. Used by normalize.cpp; the counting of code points by the reader and the
// predictions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth::qa {

// \w of the re module.
bool is_word_character(char32_t character);
// What str.split() splits at.
bool is_space(char32_t character);

// The code points of UTF-8 text. Bytes that are not UTF-8 become U+FFFD.
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);

// str.lower(): U+0130 becomes two characters, and a capital sigma at the end of a word the final one.
std::u32string to_lower(std::u32string_view text);

// In valid UTF-8: how many code points there are, and the byte at which the code point `index` (from 0) begins: the
// text's size for the one after the last, npos beyond that.
std::size_t count_code_points(std::string_view text);
std::size_t byte_of_code_point(std::string_view text, std::size_t index);

}  // namespace berth::qa

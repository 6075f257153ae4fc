#include "core/text/utf8.h"

#include <algorithm>

namespace berth::text {
namespace {

// What may follow a lead byte: how many bytes, and the range of the first of them (the others are 80..BF).
struct Lead {
  std::uint32_t following = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {1, 0x80, 0xBF};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {2, 0x80, 0xBF};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {3, 0x80, 0xBF};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {};
}

}  // namespace

Decoded decode_utf8(const char* at, const char* end) {
  const auto first = static_cast<unsigned char>(*at);
  if (first < 0x80) return {first, 1};
  const Lead lead = lead_of(first);
  if (lead.following == 0) return {kReplacement, 1};
  char32_t character = first & (0x3Fu >> lead.following);
  for (std::uint32_t i = 1; i <= lead.following; ++i) {
    if (at + i == end) return {kReplacement, i};
    const auto byte = static_cast<unsigned char>(at[i]);
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) return {kReplacement, i};
    character = (character << 6) | (byte & 0x3Fu);
  }
  return {character, lead.following + 1};
}

Decoded decode_last_utf8(const char* begin, const char* end) {
  const auto longest = std::min<std::ptrdiff_t>(4, end - begin);
  for (std::ptrdiff_t bytes = 1; bytes <= longest; ++bytes) {
    const Decoded decoded = decode_utf8(end - bytes, end);
    if (decoded.bytes == bytes && (decoded.character != kReplacement || bytes == 3)) return decoded;
  }
  return {kReplacement, 1};
}

bool is_valid_utf8(const char* at, const char* end) {
  while (at != end) {
    const Decoded decoded = decode_utf8(at, end);
    // U+FFFD itself is written in three bytes that begin with EF BF.
    if (decoded.character == kReplacement && (decoded.bytes != 3 || static_cast<unsigned char>(*at) != 0xEF)) {
      return false;
    }
    at += decoded.bytes;
  }
  return true;
}

std::size_t character_begin(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  return at;
}

void append_utf8(char32_t character, std::string& text) {
  const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | (character >> 6));
    put(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    put(0xE0 | (character >> 12));
    put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  } else {
    put(0xF0 | (character >> 18));
    put(0x80 | ((character >> 12) & 0x3F));
    put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  }
}

}  // namespace berth::text

#include "core/checkpoint/plain_text.h"

#include <cstddef>

#include "core/text/utf8.h"

namespace berth::checkpoint {
namespace {

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

}  // namespace

bool is_plain_text(std::string_view text) {
  const char* const end = text.data() + text.size();
  if (!text::is_valid_utf8(text.data(), end)) return false;
  for (const char* at = text.data(); at < end;) {
    const text::Decoded next = text::decode_utf8(at, end);
    if (is_control(next.character)) return false;
    at += next.bytes;
  }
  return true;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 120;
  const char* const end = text.data() + text.size();
  const char* at = text.data();
  std::string result = "\"";
  while (at < end) {
    const text::Decoded next = text::decode_utf8(at, end);
    if (static_cast<std::size_t>(at - text.data()) + next.bytes > kLongest) break;
    text::append_utf8(is_control(next.character) ? U'?' : next.character, result);
    at += next.bytes;
  }
  result += at < end ? "...\"" : "\"";
  return result;
}

}  // namespace berth::checkpoint

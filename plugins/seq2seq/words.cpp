#include "words.h"

#include <cstddef>

namespace berth::seq2seq {
namespace {

// The length in bytes of the white space that begins here, or 0.
std::size_t space_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U; };
  const unsigned first = byte(0);
  if (first == ' ' || (first >= 0x09 && first <= 0x0D) || (first >= 0x1C && first <= 0x1F)) return 1;
  if (first == 0xC2) return byte(1) == 0x85 || byte(1) == 0xA0 ? 2 : 0;  // U+0085, U+00A0
  if (first < 0xE1 || first > 0xE3) return 0;
  const unsigned code = (first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
  const bool is_space = code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
                        code == 0x202F || code == 0x205F || code == 0x3000;
  return is_space ? 3 : 0;
}

bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

}  // namespace

std::string_view strip_end(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t space = space_at(text, i);
    i += space > 0 ? space : 1;
    if (space == 0) end = i;
  }
  return text.substr(0, end);
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  const auto end_word = [&](std::size_t end) {
    if (end > begin) words.emplace_back(text.substr(begin, end - begin));
  };
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t space = space_at(text, i);
    if (space == 0) {
      ++i;
      continue;
    }
    end_word(i);
    i += space;
    begin = i;
  }
  end_word(i);
  return words;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::vector<std::string> split_punctuation(const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (const std::string& word : words) {
    std::size_t begin = 0;
    std::size_t end = word.size();
    while (begin < end && is_punctuation(word[begin])) ++begin;
    while (end > begin && is_punctuation(word[end - 1])) --end;
    for (std::size_t i = 0; i < begin; ++i) result.emplace_back(1, word[i]);
    if (end > begin) result.push_back(word.substr(begin, end - begin));
    for (std::size_t i = end; i < word.size(); ++i) result.emplace_back(1, word[i]);
  }
  return result;
}

}  // namespace berth::seq2seq

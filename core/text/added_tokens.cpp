#include "core/text/added_tokens.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/text/unicode_properties.h"
#include "core/text/utf8.h"

namespace berth::text {
namespace {

bool is_space(char32_t character) { return (character_flags(character) & kIsSpace) != 0; }

bool touches_word(std::string_view text, std::size_t begin, std::size_t end) {
  const char* const data = text.data();
  const char* const after = data + text.size();
  return (begin > 0 && is_word_character(decode_last_utf8(data, data + begin).character)) ||
         (end < text.size() && is_word_character(decode_utf8(data + end, after).character));
}

std::size_t skip_spaces_back(std::string_view text, std::size_t begin, std::size_t stop) {
  while (begin > stop) {
    const Decoded last = decode_last_utf8(text.data() + stop, text.data() + begin);
    if (!is_space(last.character)) break;
    begin -= last.bytes;
  }
  return begin;
}

std::size_t skip_spaces(std::string_view text, std::size_t end) {
  while (end < text.size()) {
    const Decoded next = decode_utf8(text.data() + end, text.data() + text.size());
    if (!is_space(next.character)) break;
    end += next.bytes;
  }
  return end;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::stable_sort(tokens_.begin(), tokens_.end(),
                   [](const AddedToken& a, const AddedToken& b) { return a.content.size() > b.content.size(); });
  for (const AddedToken& token : tokens_) begins_token_[static_cast<unsigned char>(token.content.front())] = true;
}

const AddedToken* AddedTokenFinder::find_next(std::string_view text, std::size_t from, std::size_t& begin) const {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (!begins_token_[static_cast<unsigned char>(text[at])]) continue;
    const std::string_view rest = text.substr(at);
    for (const AddedToken& token : tokens_) {
      if (rest.starts_with(token.content)) {
        begin = at;
        return &token;
      }
    }
  }
  return nullptr;
}

void AddedTokenFinder::split(std::string_view text, std::vector<Part>& parts) const {
  parts.clear();
  std::size_t done = 0;
  std::size_t from = 0;
  std::size_t begin = 0;
  while (const AddedToken* token = find_next(text, from, begin)) {
    std::size_t end = begin + token->content.size();
    from = end;
    if (token->single_word && touches_word(text, begin, end)) continue;
    if (token->lstrip) begin = skip_spaces_back(text, begin, std::min(done, begin));
    if (token->rstrip) end = skip_spaces(text, end);
    if (done < begin) parts.push_back({done, begin, kPlainText});
    parts.push_back({begin, end, token->id});
    done = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), kPlainText});
}

}  // namespace berth::text

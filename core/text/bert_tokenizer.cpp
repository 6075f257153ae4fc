#include "core/text/bert_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "berth/error.h"
#include "core/text/decoding.h"
#include "core/text/truncation.h"
#include "core/text/unicode_properties.h"
#include "core/text/utf8.h"

namespace berth::text {
namespace {

std::vector<AddedToken> looked_for_in_raw_text(const BertTokenizerParts& parts) {
  std::vector<AddedToken> chosen;
  for (const AddedToken& token : parts.added_tokens) {
    if (!token.normalized) chosen.push_back(token);
  }
  return chosen;
}

std::vector<AddedToken> looked_for_in_normalized_text(const BertTokenizerParts& parts, const Normalizer& normalizer) {
  std::vector<AddedToken> chosen;
  NormalizedText normalized;
  for (const AddedToken& token : parts.added_tokens) {
    if (!token.normalized) continue;
    normalizer.normalize(token.content, 0, normalized);
    if (normalized.text.empty()) {
      throw Error(
          ErrorKind::kContent, {parts.source},
          fmt::format("the added token \"{}\" is \"normalized\", but nothing is left of it after normalization: "
                      "set its \"normalized\" to false",
                      token.content));
    }
    chosen.push_back(token);
    chosen.back().content = normalized.text;
  }
  return chosen;
}

std::int32_t unknown_id(const BertTokenizerParts& parts) {
  std::int32_t id = PieceTable::kMissing;
  for (const auto& [piece, piece_id] : parts.vocabulary) {
    if (piece == parts.unknown) id = piece_id;
  }
  if (id == PieceTable::kMissing) {
    throw Error(ErrorKind::kContent, {parts.source},
                fmt::format("the vocabulary lacks the unknown token \"{}\"", parts.unknown));
  }
  return id;
}

std::size_t specials_around(bool is_pair, bool add_specials) {
  if (!add_specials) return 0;
  return is_pair ? 3 : 2;
}

void check_text_size(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() - 1) {
    throw Error(ErrorKind::kContent, fmt::format("a text of {} bytes is too long: at most 4 GiB", text.size()));
  }
}

// What a byte of normalized text is for the splitting into words; kLonger: the first of a longer character.
enum class ByteClass : std::uint8_t { kWord, kSpace, kPunctuation, kLonger };

ByteClass class_of(char32_t character) {
  const unsigned flags = character_flags(character);
  if (flags & kIsSpace) return ByteClass::kSpace;
  return (flags & kIsPunctuation) ? ByteClass::kPunctuation : ByteClass::kWord;
}

std::array<ByteClass, 256> make_byte_classes() {
  std::array<ByteClass, 256> classes{};
  for (unsigned byte = 0; byte < 256; ++byte) classes[byte] = byte < 0x80 ? class_of(byte) : ByteClass::kLonger;
  return classes;
}

}  // namespace

void BertTokenizer::Tokens::push(std::int32_t id, Span offset, std::int32_t word) {
  ids.push_back(id);
  offsets.push_back(offset);
  words.push_back(word);
}

// Splits texts into tokens, keeping its buffers from one text to the next. Made for one call of the tokenizer.
class BertTokenizer::Splitter {
 public:
  Splitter(const BertTokenizer& owner, Tokens& tokens) : owner_(owner), tokens_(tokens) {}

  // Words are counted from 0, or all have the index `word`.
  void add_text(std::string_view text, std::int32_t word = Encoding::kNoWord) {
    check_text_size(text);
    fixed_word_ = word;
    next_word_ = 0;
    owner_.raw_finder_.split(text, raw_parts_);
    for (const AddedTokenFinder::Part& part : raw_parts_) {
      if (part.id == AddedTokenFinder::kPlainText) {
        const auto begin = static_cast<std::uint32_t>(part.begin);
        owner_.normalizer_.normalize(text.substr(part.begin, part.end - part.begin), begin, normalized_);
        add_normalized();
      } else {
        tokens_.push(part.id, {static_cast<std::uint32_t>(part.begin), static_cast<std::uint32_t>(part.end)},
                     take_word());
      }
    }
  }

 private:
  std::int32_t take_word() {
    const std::int32_t counted = next_word_++;
    return fixed_word_ == Encoding::kNoWord ? counted : fixed_word_;
  }

  void add_normalized() {
    if (owner_.normalized_finder_.empty()) {
      add_words(0, normalized_.text.size());
      return;
    }
    owner_.normalized_finder_.split(normalized_.text, normalized_parts_);
    for (const AddedTokenFinder::Part& part : normalized_parts_) {
      if (part.id == AddedTokenFinder::kPlainText) {
        add_words(part.begin, part.end);
      } else {
        tokens_.push(part.id, normalized_.origin(part.begin, part.end), take_word());
      }
    }
  }

  // BertPreTokenizer: words end at white space; each punctuation character is a word.
  void add_words(std::size_t begin, std::size_t end) {
    static const std::array<ByteClass, 256> byte_classes = make_byte_classes();
    const char* const text = normalized_.text.data();
    std::size_t word = begin;
    std::size_t at = begin;
    while (at < end) {
      std::size_t bytes = 1;
      ByteClass kind = byte_classes[static_cast<unsigned char>(text[at])];
      if (kind == ByteClass::kLonger) {
        const Decoded decoded = decode_utf8(text + at, text + end);
        bytes = decoded.bytes;
        kind = class_of(decoded.character);
      }
      if (kind != ByteClass::kWord) {
        if (word < at) add_word(word, at);
        if (kind == ByteClass::kPunctuation) add_word(at, at + bytes);
        word = at + bytes;
      }
      at += bytes;
    }
    if (word < end) add_word(word, end);
  }

  void add_word(std::size_t begin, std::size_t end) {
    pieces_.clear();
    owner_.word_piece_.split(std::string_view(normalized_.text).substr(begin, end - begin), pieces_);
    const std::int32_t word = take_word();
    for (const Piece& piece : pieces_) {
      tokens_.push(piece.id, normalized_.origin(begin + piece.begin, begin + piece.end), word);
    }
  }

  const BertTokenizer& owner_;
  Tokens& tokens_;
  std::int32_t fixed_word_ = Encoding::kNoWord;
  std::int32_t next_word_ = 0;
  std::vector<AddedTokenFinder::Part> raw_parts_;
  std::vector<AddedTokenFinder::Part> normalized_parts_;
  NormalizedText normalized_;
  std::vector<Piece> pieces_;
};

BertTokenizer::BertTokenizer(BertTokenizerParts parts)
    : parts_(std::move(parts)),
      normalizer_(parts_.normalizer),
      unknown_(unknown_id(parts_)),
      word_piece_(parts_.vocabulary, {parts_.prefix, parts_.longest_word, unknown_}),
      raw_finder_(looked_for_in_raw_text(parts_)),
      normalized_finder_(looked_for_in_normalized_text(parts_, normalizer_)) {
  for (const auto& [piece, id] : parts_.vocabulary) set_token(id, piece);
  for (const AddedToken& token : parts_.added_tokens) {
    added_ids_[token.content] = token.id;
    set_token(token.id, token.content);
    if (token.special) special_[static_cast<std::size_t>(token.id)] = true;
  }
  cls_ = required_id(parts_.cls);
  sep_ = required_id(parts_.sep);
}

void BertTokenizer::set_token(std::int32_t id, const std::string& token) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= tokens_.size()) {
    tokens_.resize(index + 1);
    special_.resize(index + 1);
  }
  tokens_[index] = token;
}

BertTokenizer::Tokens BertTokenizer::tokenize(std::string_view text) const {
  Tokens tokens;
  const std::size_t guess = text.size() / 4 + 8;  // English has four to five bytes a token
  tokens.ids.reserve(guess);
  tokens.offsets.reserve(guess);
  tokens.words.reserve(guess);
  Splitter(*this, tokens).add_text(text);
  return tokens;
}

BertTokenizer::Tokens BertTokenizer::tokenize_words(const std::vector<std::string>& words) const {
  Tokens tokens;
  Splitter splitter(*this, tokens);
  for (std::size_t i = 0; i < words.size(); ++i) splitter.add_text(words[i], static_cast<std::int32_t>(i));
  return tokens;
}

Encoding BertTokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  return truncated(tokenize(text), nullptr, options);
}

Encoding BertTokenizer::encode_pair(std::string_view first, std::string_view second,
                                    const EncodeOptions& options) const {
  const Tokens second_tokens = tokenize(second);
  return truncated(tokenize(first), &second_tokens, options);
}

Encoding BertTokenizer::encode_words(const std::vector<std::string>& words, const EncodeOptions& options) const {
  return truncated(tokenize_words(words), nullptr, options);
}

Encoding BertTokenizer::truncated(const Tokens& first, const Tokens* second, const EncodeOptions& options) const {
  TokenCounts kept = {first.size(), second ? second->size() : 0};
  if (options.truncation != Truncation::kNone) {
    const std::size_t specials = specials_around(second != nullptr, options.add_specials);
    kept = truncate(kept, second != nullptr, room_for_text(options.max_length, specials), options.truncation);
  }
  const Stretch second_kept = {second, 0, kept.second};
  return assemble({&first, 0, kept.first}, second ? &second_kept : nullptr, options.add_specials);
}

std::vector<Encoding> BertTokenizer::windows(std::string_view text, const WindowOptions& options) const {
  WindowOptions only_text = options;
  only_text.truncation = Truncation::kOnlyFirst;
  return cut_windows(tokenize(text), nullptr, only_text);
}

std::vector<Encoding> BertTokenizer::windows_words(const std::vector<std::string>& words,
                                                   const WindowOptions& options) const {
  WindowOptions only_words = options;
  only_words.truncation = Truncation::kOnlyFirst;
  return cut_windows(tokenize_words(words), nullptr, only_words);
}

std::vector<Encoding> BertTokenizer::windows_pair(std::string_view first, std::string_view second,
                                                  const WindowOptions& options) const {
  if (options.truncation != Truncation::kOnlyFirst && options.truncation != Truncation::kOnlySecond) {
    throw Error(ErrorKind::kConfig,
                "windows of a pair need truncation \"only_first\" or \"only_second\": the text that is "
                "cut into windows");
  }
  const Tokens second_tokens = tokenize(second);
  return cut_windows(tokenize(first), &second_tokens, options);
}

std::vector<Encoding> BertTokenizer::cut_windows(const Tokens& first, const Tokens* second,
                                                 const WindowOptions& options) const {
  const std::size_t room = room_for_text(options.max_length, specials_around(second != nullptr, true));
  const TokenCounts counts = {first.size(), second ? second->size() : 0};
  const TokenCounts kept = truncate(counts, second != nullptr, room, options.truncation);
  Stretch first_part = {&first, 0, first.size()};
  Stretch second_part = {second, 0, counts.second};
  const Stretch* const second_given = second ? &second_part : nullptr;
  if (kept.first == counts.first && kept.second == counts.second) return {assemble(first_part, second_given, true)};

  const bool cuts_first = options.truncation == Truncation::kOnlyFirst;
  const std::size_t size = cuts_first ? kept.first : kept.second;
  if (options.stride < 0 || static_cast<std::uint64_t>(options.stride) >= size) {
    throw Error(ErrorKind::kContent,
                fmt::format("the stride of windows is {}, but only {} tokens of a window are left for the text that is "
                            "cut (max_length {}): lower the stride to 0..{}, or raise max_length",
                            options.stride, size, options.max_length, size == 0 ? 0 : size - 1));
  }
  std::vector<Encoding> windows;
  Stretch& cut = cuts_first ? first_part : second_part;
  const std::size_t count = cuts_first ? counts.first : counts.second;
  for (const auto& [begin, end] : window_ranges(count, size, static_cast<std::size_t>(options.stride))) {
    cut.begin = begin;
    cut.end = end;
    windows.push_back(assemble(first_part, second_given, true));
  }
  return windows;
}

Encoding BertTokenizer::assemble(const Stretch& first, const Stretch* second, bool add_specials) const {
  Encoding encoding;
  const std::size_t size = first.end - first.begin + (second ? second->end - second->begin : 0) +
                           specials_around(second != nullptr, add_specials);
  encoding.ids.reserve(size);
  encoding.segments.reserve(size);
  encoding.offsets.reserve(size);
  encoding.words.reserve(size);
  encoding.specials.reserve(size);
  const auto add_special = [&](std::int32_t id, std::uint8_t segment) {
    if (!add_specials) return;
    encoding.ids.push_back(id);
    encoding.segments.push_back(segment);
    encoding.offsets.push_back({0, 0});
    encoding.words.push_back(Encoding::kNoWord);
    encoding.specials.push_back(1);
  };
  const auto add_stretch = [&](const Stretch& stretch, std::uint8_t segment) {
    const auto append = [&stretch](auto& to, const auto& from) {
      to.insert(to.end(), from.data() + stretch.begin, from.data() + stretch.end);
    };
    append(encoding.ids, stretch.tokens->ids);
    append(encoding.offsets, stretch.tokens->offsets);
    append(encoding.words, stretch.tokens->words);
    encoding.segments.resize(encoding.ids.size(), segment);
    encoding.specials.resize(encoding.ids.size(), 0);
  };
  add_special(cls_, 0);
  add_stretch(first, 0);
  add_special(sep_, 0);
  if (second) {
    add_stretch(*second, 1);
    add_special(sep_, 1);
  }
  return encoding;
}

std::string BertTokenizer::decode(const std::vector<std::int32_t>& ids) const {
  std::vector<std::string> texts;
  texts.reserve(ids.size());
  for (const std::int32_t id : ids) {
    std::string text = token(id);
    if (!special_[static_cast<std::size_t>(id)]) texts.push_back(std::move(text));
  }
  return join_pieces({texts.begin(), texts.end()}, {parts_.prefix, parts_.clean_up_decoded});
}

std::int64_t BertTokenizer::vocabulary_size() const { return static_cast<std::int64_t>(tokens_.size()); }

bool BertTokenizer::has_id(std::int32_t id) const {
  const auto index = static_cast<std::size_t>(id);
  return id >= 0 && index < tokens_.size() && tokens_[index].has_value();
}

std::string BertTokenizer::token(std::int32_t id) const {
  if (!has_id(id)) {
    throw Error(ErrorKind::kContent, {parts_.source},
                fmt::format("the vocabulary has no token with id {}; its ids are below {}", id, tokens_.size()));
  }
  return *tokens_[static_cast<std::size_t>(id)];
}

std::optional<std::int32_t> BertTokenizer::find(std::string_view token) const {
  if (const auto added = added_ids_.find(token); added != added_ids_.end()) return added->second;
  const std::int32_t id = word_piece_.find(token);
  return id == PieceTable::kMissing ? std::nullopt : std::optional(id);
}

std::int32_t BertTokenizer::id(std::string_view token) const { return find(token).value_or(unknown_); }

bool BertTokenizer::contains(std::string_view token) const { return find(token).has_value(); }

std::int32_t BertTokenizer::required_id(const std::string& token) const {
  const std::optional<std::int32_t> found = find(token);
  if (!found) {
    throw Error(ErrorKind::kContent, {parts_.source},
                fmt::format("the vocabulary lacks the special token \"{}\"", token));
  }
  return *found;
}

}  // namespace berth::text

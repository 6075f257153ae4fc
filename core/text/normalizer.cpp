#include "core/text/normalizer.h"

#include <algorithm>

#include "core/text/unicode_properties.h"
#include "core/text/utf8.h"

namespace berth::text {

// One call of normalize(): the characters that are not plain ASCII, and what they leave waiting.
//
// Canonical order sorts marks by their class, so marks wait until the next character that is not one. The library keeps
// origins by position: the n-th character that stands for a character of the input (rather than being a further part of
// a decomposition) gets the n-th character's origin, whichever moved there. Run does the same.
class Normalizer::Run {
 public:
  Run(const NormalizerOptions& options, NormalizedText& result) : options_(options), result_(result) {}

  void add(char32_t character, Span origin) {
    unsigned flags = character_flags(character);
    if (options_.clean_text) {
      if (flags & kIsDropped) return;
      if (flags & kIsSpace) {
        character = U' ';
        flags = kIsSpace;
      }
    }
    if (options_.handle_chinese && (flags & kIsChinese)) {
      add_cleaned(U' ', kIsSpace, origin);
      add_cleaned(character, flags, origin);
      add_cleaned(U' ', kIsSpace, origin);
    } else {
      add_cleaned(character, flags, origin);
    }
  }

  // Writes the marks that wait; called before anything else is written to the result, and at the end.
  void flush() {
    if (waiting_.empty()) return;
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const Mark& a, const Mark& b) { return a.combining_class < b.combining_class; });
    for (const Mark& mark : waiting_) emit(mark.character, mark.stands_for_input);
    waiting_.clear();
  }

 private:
  struct Mark {
    char32_t character;
    std::uint8_t combining_class;
    bool stands_for_input;
  };

  void add_cleaned(char32_t character, unsigned flags, Span origin) {
    if (!options_.strip_accents) {
      write(character, flags, origin);
      return;
    }
    if ((flags & (kIsComposed | kReorders)) == 0 && waiting_.empty()) {
      if ((flags & kIsMark) == 0) write(character, flags, origin);
      return;
    }
    if (waiting_.empty()) forget_origins();
    origins_.push_back(origin);
    bool first = true;
    for (const char32_t part : decompose(character)) {
      add_part(part, first);
      first = false;
    }
  }

  void add_part(char32_t part, bool stands_for_input) {
    if (character_flags(part) & kReorders) {
      waiting_.push_back({part, combining_class(part), stands_for_input});
    } else {
      flush();
      emit(part, stands_for_input);
    }
  }

  void emit(char32_t character, bool stands_for_input) {
    if (stands_for_input) ++used_origins_;
    const unsigned flags = character_flags(character);
    if ((flags & kIsMark) == 0) write(character, flags, origins_[used_origins_ - 1]);
  }

  void forget_origins() {
    origins_.clear();
    used_origins_ = 0;
  }

  void write(char32_t character, unsigned flags, Span origin) {
    if (options_.lower_case && (flags & kHasLower)) {
      for (const char32_t part : to_lower(character)) append_utf8(part, result_.text);
    } else {
      append_utf8(character, result_.text);
    }
    result_.origins.resize(result_.text.size(), origin);
  }

  const NormalizerOptions& options_;
  NormalizedText& result_;
  std::vector<Mark> waiting_;
  std::vector<Span> origins_;  // of the characters since the last one that nothing waited behind
  std::size_t used_origins_ = 0;
};

Normalizer::Normalizer(const NormalizerOptions& options) : options_(options) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const unsigned flags = byte < 0x80 ? character_flags(byte) : 0;
    if (byte >= 0x80 || (options.clean_text && (flags & kIsDropped))) {
      plain_[byte] = kNotPlain;
    } else if (options.clean_text && (flags & kIsSpace)) {
      plain_[byte] = ' ';
    } else {
      const bool upper = options.lower_case && byte >= 'A' && byte <= 'Z';
      plain_[byte] = static_cast<unsigned char>(upper ? byte + ('a' - 'A') : byte);
    }
  }
}

void Normalizer::append_plain(const char* begin, const char* end, std::uint32_t start, NormalizedText& result) const {
  const std::size_t old_size = result.text.size();
  const auto count = static_cast<std::size_t>(end - begin);
  result.text.append(begin, count);
  result.origins.resize(old_size + count);
  char* const text = result.text.data() + old_size;
  Span* const origins = result.origins.data() + old_size;
  for (std::size_t i = 0; i < count; ++i) {
    text[i] = static_cast<char>(plain_[static_cast<unsigned char>(text[i])]);
    const std::uint32_t position = start + static_cast<std::uint32_t>(i);
    origins[i] = {position, position + 1};
  }
}

void Normalizer::normalize(std::string_view segment, std::uint32_t start, NormalizedText& result) const {
  result.clear();
  result.text.reserve(segment.size());
  result.origins.reserve(segment.size());
  Run run(options_, result);
  const char* at = segment.data();
  const char* const end = at + segment.size();
  while (at != end) {
    const char* const plain = at;
    while (at != end && plain_[static_cast<unsigned char>(*at)] != kNotPlain) ++at;
    if (at != plain) {
      run.flush();
      append_plain(plain, at, start + static_cast<std::uint32_t>(plain - segment.data()), result);
    }
    if (at == end) break;
    const Decoded decoded = decode_utf8(at, end);
    const std::uint32_t position = start + static_cast<std::uint32_t>(at - segment.data());
    run.add(decoded.character, {position, position + decoded.bytes});
    at += decoded.bytes;
  }
  run.flush();
}

}  // namespace berth::text

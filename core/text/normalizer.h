// BertNormalizer: clean-up, spaces around Chinese characters, accents, lower case. Keeps for each byte of its result
// the bytes of the original text that it came from. Used by BertTokenizer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "berth/tokenizer.h"

namespace berth::text {

struct NormalizerOptions {
  bool clean_text = true;      // leave out control characters, make white space plain spaces
  bool handle_chinese = true;  // spaces around each Chinese character
  bool strip_accents = true;   // decompose, leave out nonspacing marks
  bool lower_case = true;
};

// Valid UTF-8; origins has one entry a byte. Kept between calls to spare allocations.
struct NormalizedText {
  std::string text;
  std::vector<Span> origins;

  void clear() {
    text.clear();
    origins.clear();
  }

  // The original bytes of [begin, end), which must not be empty.
  Span origin(std::size_t begin, std::size_t end) const { return {origins[begin].begin, origins[end - 1].end}; }
};

class Normalizer {
 public:
  explicit Normalizer(const NormalizerOptions& options);

  // Normalizes `segment`, which begins at byte `start` of the original text, into `result` (cleared first).
  void normalize(std::string_view segment, std::uint32_t start, NormalizedText& result) const;

 private:
  class Run;

  // Appends bytes that plain_ maps; the first of them is byte `start` of the original text.
  void append_plain(const char* begin, const char* end, std::uint32_t start, NormalizedText& result) const;

  NormalizerOptions options_;
  // What an ASCII byte becomes; kNotPlain: it needs the long way.
  static constexpr unsigned char kNotPlain = 0xFF;
  unsigned char plain_[256];
};

}  // namespace berth::text

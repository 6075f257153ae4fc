// Where the words of a text begin and end, and code points against bytes: what stands between a text with marked
// stretches and words with tags.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "berth/kit/tags.h"
#include "berth/tokenizer.h"

namespace berth::ner {

// What ends a word, besides white space. A Chinese or Japanese ideograph is always a word of its own.
enum class Splitting : std::uint8_t {
  kPunctuation,  // every mark is a word of its own: it ' s, Berlin - based
  kAtEdges,      // marks before and after a word are, those within are not: ( it's ) , Berlin-based
  kSpace,        // no mark is
};

// The words of valid UTF-8, as bytes, in order.
std::vector<Span> split_words(std::string_view text, Splitting splitting);

// From code points to bytes and back, for one text of valid UTF-8.
class CodePoints {
 public:
  explicit CodePoints(std::string_view text);

  std::size_t size() const { return bytes_.size() - 1; }
  // Of a code point's first byte; of size(), the text's length.
  std::size_t byte(std::size_t code_point) const { return bytes_.at(code_point); }
  std::size_t code_point(std::size_t byte) const;

 private:
  std::vector<std::size_t> bytes_;  // by code point, and the end
};

}  // namespace berth::ner

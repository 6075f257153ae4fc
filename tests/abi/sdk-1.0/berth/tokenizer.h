// The host's tokenizer, as a task sees it: text in, token ids with offsets into the original text out.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

// Half-open range of bytes of the original UTF-8 text. Special tokens have {0, 0}.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  friend bool operator==(const Span&, const Span&) = default;
};

// One sequence of tokens; the vectors have one entry a token.
struct Encoding {
  static constexpr std::int32_t kNoWord = -1;

  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> segments;  // 0: first text and what frames it; 1: second text and its [SEP]
  std::vector<Span> offsets;           // into the text of the token's segment
  std::vector<std::int32_t> words;     // index of the word in its text (for encode_words: in the list), or kNoWord
  std::vector<std::uint8_t> specials;  // 1: a token that the tokenizer added ([CLS], [SEP]), 0: a token of the text

  std::size_t size() const { return ids.size(); }
};

// Which text loses tokens when [CLS] a [SEP] b [SEP] is longer than max_length.
enum class Truncation : std::uint8_t {
  kLongestFirst,  // the longer text, until both are equally long; then both (the one that was longer, of equal ones
                  // the second, keeps an odd token), as the Rust tokenizers do
  kOnlyFirst,     // an error (Error kContent) if that is not enough
  kOnlySecond,    // likewise
  kNone,          // keep everything; the host refuses what the encoder can't take
};

struct EncodeOptions {
  std::int64_t max_length = std::numeric_limits<std::int64_t>::max();  // tokens, special ones included
  Truncation truncation = Truncation::kLongestFirst;
  bool add_specials = true;
};

// Overlapping windows over the text that `truncation` names (kOnlyFirst or kOnlySecond; the other is repeated). A
// single text, or a list of words, is always what is cut.
struct WindowOptions {
  std::int64_t max_length = 384;  // tokens a window, special ones included
  std::int64_t stride = 128;      // tokens that neighbouring windows share
  Truncation truncation = Truncation::kOnlySecond;
};

// Const calls are safe from several threads at once. Text that is not UTF-8 is read with U+FFFD (Unicode's "maximal
// subpart" practice) in place of what is broken; offsets still count the bytes of the text that was given.
class BERTH_VISIBLE Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual Encoding encode(std::string_view text, const EncodeOptions& options) const = 0;
  virtual Encoding encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options) const = 0;

  // Words that are already split: each is tokenized by itself, Encoding::words tells which token is whose, offsets are
  // into the word.
  virtual Encoding encode_words(const std::vector<std::string>& words, const EncodeOptions& options) const = 0;

  virtual std::vector<Encoding> windows(std::string_view text, const WindowOptions& options) const = 0;
  virtual std::vector<Encoding> windows_pair(std::string_view first, std::string_view second,
                                             const WindowOptions& options) const = 0;
  // As encode_words(). A window may begin or end within a word.
  virtual std::vector<Encoding> windows_words(const std::vector<std::string>& words,
                                              const WindowOptions& options) const = 0;

  // Joins pieces to text: "##" glued, special tokens left out, spaces before punctuation removed as BERT's decoder
  // does.
  virtual std::string decode(const std::vector<std::int32_t>& ids) const = 0;

  virtual std::int64_t vocabulary_size() const = 0;
  virtual bool has_id(std::int32_t id) const = 0;
  virtual std::string token(std::int32_t id) const = 0;       // throws Error kContent where there is none
  virtual std::int32_t id(std::string_view token) const = 0;  // [UNK]'s where there is none
  virtual bool contains(std::string_view token) const = 0;

  virtual std::int32_t cls_id() const = 0;
  virtual std::int32_t sep_id() const = 0;
  virtual std::int32_t pad_id() const = 0;
  virtual std::int32_t unk_id() const = 0;
  virtual std::int32_t mask_id() const = 0;
};

}  // namespace v1
}  // namespace berth

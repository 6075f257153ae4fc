// How target texts become ids and ids text again: by words of an own vocabulary, or by the encoder's WordPieces. Both
// also say what each token of a source is when it is copied.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "berth/tokenizer.h"
#include "vocabulary.h"

namespace berth::seq2seq {

constexpr std::int64_t kNoCopy = -1;  // the copy id of a token that can't be copied

// Ids with a meaning of their own.
struct SpecialIds {
  std::int64_t begin = 0;            // what the decoder reads first
  std::int64_t end = 0;              // what ends an answer
  std::int64_t unknown = 0;          // what the decoder reads for a copied word that the vocabulary lacks
  std::vector<std::int64_t> banned;  // never generated
};

// A source as the encoder reads it.
struct EncodedSource {
  std::vector<std::string> words;
  Encoding encoding;                   // of the words
  std::vector<std::int64_t> copy_ids;  // one a token: the id that copying it gives, or kNoCopy
};

// Const and safe from several threads at once.
class TargetCode {
 public:
  virtual ~TargetCode() = default;

  virtual std::int64_t size() const = 0;  // of the vocabulary; ids from here on are words of the source that it lacks
  virtual SpecialIds specials() const = 0;

  virtual std::vector<std::int64_t> copy_ids(const std::vector<std::string>& words, const Encoding& encoding) const = 0;
  // Without an end.
  virtual std::vector<std::int64_t> target_ids(const std::string& target, const EncodedSource& source) const = 0;

  // One token as text; `source` is the one that the id may be a copy from.
  virtual std::string token(std::int64_t id, const EncodedSource& source) const = 0;
  virtual std::string text(const std::vector<std::int64_t>& ids, const EncodedSource& source) const = 0;
};

// Words of an own vocabulary, and words of the source, whole: every sub-word of a source word gives the word's id.
// Words that the vocabulary lacks are numbered from size() on, in the order in which they first stand in their source
// (the extended vocabulary of See et al. 2017).
std::unique_ptr<TargetCode> make_word_code(std::shared_ptr<const Vocabulary> vocabulary);

// The encoder's own tokens; a source's tokens are copied one by one. tokenizer: outlives the code.
std::unique_ptr<TargetCode> make_piece_code(const Tokenizer& tokenizer);

}  // namespace berth::seq2seq

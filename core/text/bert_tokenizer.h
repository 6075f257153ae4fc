// The tokenizer of BERT models, equal to the Rust library's (README.md says how that is known). Made by load_tokenizer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/tokenizer.h"
#include "core/text/added_tokens.h"
#include "core/text/normalizer.h"
#include "core/text/wordpiece.h"

namespace berth::text {

// What a model folder's files say.
struct BertTokenizerParts {
  std::string source;  // the file that the vocabulary comes from, for messages
  WordPiece::Vocabulary vocabulary;
  std::vector<AddedToken> added_tokens;  // ids given; special ones are found in text as well
  NormalizerOptions normalizer;
  std::string prefix = "##";
  std::int64_t longest_word = 100;  // characters
  std::string unknown = "[UNK]";
  std::string cls = "[CLS]";
  std::string sep = "[SEP]";
  std::string pad = "[PAD]";    // may be missing from the vocabulary until it is asked for
  std::string mask = "[MASK]";  // likewise
  bool clean_up_decoded = true;
};

class BertTokenizer final : public Tokenizer {
 public:
  // Throws Error kContent where [UNK], [CLS] or [SEP] is missing, or where an added token can't be looked for.
  explicit BertTokenizer(BertTokenizerParts parts);

  Encoding encode(std::string_view text, const EncodeOptions& options) const override;
  Encoding encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options) const override;
  Encoding encode_words(const std::vector<std::string>& words, const EncodeOptions& options) const override;
  std::vector<Encoding> windows(std::string_view text, const WindowOptions& options) const override;
  std::vector<Encoding> windows_pair(std::string_view first, std::string_view second,
                                     const WindowOptions& options) const override;
  std::vector<Encoding> windows_words(const std::vector<std::string>& words,
                                      const WindowOptions& options) const override;
  std::string decode(const std::vector<std::int32_t>& ids) const override;

  std::int64_t vocabulary_size() const override;  // one more than the largest id
  bool has_id(std::int32_t id) const override;
  std::string token(std::int32_t id) const override;
  std::int32_t id(std::string_view token) const override;
  bool contains(std::string_view token) const override;

  std::int32_t cls_id() const override { return cls_; }
  std::int32_t sep_id() const override { return sep_; }
  std::int32_t pad_id() const override { return required_id(parts_.pad); }
  std::int32_t unk_id() const override { return unknown_; }
  std::int32_t mask_id() const override { return required_id(parts_.mask); }

 private:
  // Tokens of one text, before truncation.
  struct Tokens {
    std::vector<std::int32_t> ids;
    std::vector<Span> offsets;
    std::vector<std::int32_t> words;

    std::size_t size() const { return ids.size(); }
    void push(std::int32_t id, Span offset, std::int32_t word);
  };
  // A stretch of a text's tokens.
  struct Stretch {
    const Tokens* tokens = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  class Splitter;

  Tokens tokenize(std::string_view text) const;
  Tokens tokenize_words(const std::vector<std::string>& words) const;
  Encoding assemble(const Stretch& first, const Stretch* second, bool add_specials) const;
  Encoding truncated(const Tokens& first, const Tokens* second, const EncodeOptions& options) const;
  std::vector<Encoding> cut_windows(const Tokens& first, const Tokens* second, const WindowOptions& options) const;

  std::optional<std::int32_t> find(std::string_view token) const;
  std::int32_t required_id(const std::string& token) const;
  void set_token(std::int32_t id, const std::string& token);

  BertTokenizerParts parts_;
  Normalizer normalizer_;
  std::int32_t unknown_;
  WordPiece word_piece_;
  AddedTokenFinder raw_finder_;
  AddedTokenFinder normalized_finder_;
  std::map<std::string, std::int32_t, std::less<>> added_ids_;
  std::int32_t cls_ = 0;
  std::int32_t sep_ = 0;
  std::vector<std::optional<std::string>> tokens_;  // by id
  std::vector<bool> special_;                       // by id: left out by decode
};

}  // namespace berth::text

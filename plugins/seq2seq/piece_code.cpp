#include "target_code.h"

namespace berth::seq2seq {
namespace {

class PieceCode final : public TargetCode {
 public:
  explicit PieceCode(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  std::int64_t size() const override { return tokenizer_.vocabulary_size(); }

  SpecialIds specials() const override {
    return {tokenizer_.cls_id(),
            tokenizer_.sep_id(),
            tokenizer_.unk_id(),
            {tokenizer_.cls_id(), tokenizer_.pad_id(), tokenizer_.mask_id(), tokenizer_.unk_id()}};
  }

  std::vector<std::int64_t> copy_ids(const std::vector<std::string>& words, const Encoding& encoding) const override {
    (void)words;
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < encoding.size(); ++i) {
      const bool can_copy = encoding.specials[i] == 0 && encoding.ids[i] != tokenizer_.unk_id();
      ids.push_back(can_copy ? encoding.ids[i] : kNoCopy);
    }
    return ids;
  }

  std::vector<std::int64_t> target_ids(const std::string& target, const EncodedSource& source) const override {
    (void)source;
    EncodeOptions options;
    options.add_specials = false;
    const Encoding encoding = tokenizer_.encode(target, options);
    return {encoding.ids.begin(), encoding.ids.end()};
  }

  std::string token(std::int64_t id, const EncodedSource& source) const override {
    (void)source;
    return tokenizer_.token(static_cast<std::int32_t>(id));
  }

  std::string text(const std::vector<std::int64_t>& ids, const EncodedSource& source) const override {
    (void)source;
    return tokenizer_.decode({ids.begin(), ids.end()});
  }

 private:
  const Tokenizer& tokenizer_;
};

}  // namespace

std::unique_ptr<TargetCode> make_piece_code(const Tokenizer& tokenizer) {
  return std::make_unique<PieceCode>(tokenizer);
}

}  // namespace berth::seq2seq

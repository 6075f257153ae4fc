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
      const bool can_copy = !is_special(encoding.ids[i]) && encoding.ids[i] != tokenizer_.unk_id();
      ids.push_back(can_copy ? encoding.ids[i] : kNoCopy);
    }
    return ids;
  }

  std::vector<std::int64_t> target_ids(const std::string& target, const EncodedSource& source) const override {
    (void)source;
    EncodeOptions options;
    options.add_specials = false;
    std::vector<std::int64_t> ids;
    for (const std::int32_t id : tokenizer_.encode(target, options).ids) {
      if (!is_special(id)) ids.push_back(id);
    }
    return ids;
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
  // Written in a text ("[SEP]") they would end an answer in its middle, or begin one.
  bool is_special(std::int32_t id) const {
    return id == tokenizer_.cls_id() || id == tokenizer_.sep_id() || id == tokenizer_.pad_id() ||
           id == tokenizer_.mask_id();
  }

  const Tokenizer& tokenizer_;
};

}  // namespace

std::unique_ptr<TargetCode> make_piece_code(const Tokenizer& tokenizer) {
  return std::make_unique<PieceCode>(tokenizer);
}

}  // namespace berth::seq2seq

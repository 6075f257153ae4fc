#include <algorithm>
#include <unordered_map>
#include <utility>

#include "target_code.h"
#include "words.h"

namespace berth::seq2seq {
namespace {

class WordCode final : public TargetCode {
 public:
  explicit WordCode(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}

  std::int64_t size() const override { return vocabulary_->size(); }

  SpecialIds specials() const override {
    return {Vocabulary::kBegin, Vocabulary::kEnd, Vocabulary::kUnknown, {Vocabulary::kBegin, Vocabulary::kUnknown}};
  }

  std::vector<std::int64_t> copy_ids(const std::vector<std::string>& words, const Encoding& encoding) const override {
    std::unordered_map<std::string, std::int64_t> lacking;
    std::vector<std::int64_t> ids;
    for (const std::int32_t index : encoding.words) {
      if (index == Encoding::kNoWord) {
        ids.push_back(kNoCopy);
        continue;
      }
      const std::string& word = words[static_cast<std::size_t>(index)];
      const auto known = vocabulary_->find(word);
      ids.push_back(known ? *known
                          : lacking.emplace(word, size() + static_cast<std::int64_t>(lacking.size())).first->second);
    }
    return ids;
  }

  std::vector<std::int64_t> target_ids(const std::string& target, const EncodedSource& source) const override {
    std::unordered_map<std::string, std::int64_t> copies;
    for (std::size_t i = 0; i < source.copy_ids.size(); ++i) {
      if (source.copy_ids[i] >= size()) copies.emplace(source.words[word_of(source, i)], source.copy_ids[i]);
    }
    std::vector<std::int64_t> ids;
    for (const std::string& word : split_words(target)) {
      const auto known = vocabulary_->find(word);
      const auto copy = copies.find(word);
      ids.push_back(known ? *known : copy != copies.end() ? copy->second : Vocabulary::kUnknown);
    }
    return ids;
  }

  std::string token(std::int64_t id, const EncodedSource& source) const override {
    if (id < size()) return vocabulary_->word(id);
    const auto found = std::find(source.copy_ids.begin(), source.copy_ids.end(), id);
    return source.words[word_of(source, static_cast<std::size_t>(found - source.copy_ids.begin()))];
  }

  std::string text(const std::vector<std::int64_t>& ids, const EncodedSource& source) const override {
    std::vector<std::string> words;
    words.reserve(ids.size());
    for (const std::int64_t id : ids) words.push_back(token(id, source));
    return join_words(words);
  }

 private:
  static std::size_t word_of(const EncodedSource& source, std::size_t token) {
    return static_cast<std::size_t>(source.encoding.words.at(token));
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace

std::unique_ptr<TargetCode> make_word_code(std::shared_ptr<const Vocabulary> vocabulary) {
  return std::make_unique<WordCode>(std::move(vocabulary));
}

}  // namespace berth::seq2seq

// A target vocabulary of words that was built from the training set's targets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace berth::seq2seq {

// Ids below the first word's have no word: they begin and end a target, and stand for a word that is not here.
class Vocabulary {
 public:
  static constexpr std::int64_t kBegin = 0;
  static constexpr std::int64_t kEnd = 1;
  static constexpr std::int64_t kUnknown = 2;
  static constexpr std::int64_t kFirstWord = 3;

  Vocabulary() = default;
  // In the order of their ids. Throws Error kContent for a word given twice.
  explicit Vocabulary(std::vector<std::string> words);

  std::int64_t size() const { return kFirstWord + static_cast<std::int64_t>(words_.size()); }
  const std::vector<std::string>& words() const { return words_; }
  // "[begin]", "[end]" and "[unknown]" for what has no word.
  const std::string& word(std::int64_t id) const;
  std::optional<std::int64_t> find(std::string_view word) const;

 private:
  std::vector<std::string> words_;
  std::unordered_map<std::string, std::int64_t> ids_;
};

struct VocabularyLimits {
  std::int64_t min_count = 1;
  std::int64_t max_words = 0;  // 0: no limit
};

// The most frequent words first, equally frequent ones in the order of their bytes.
Vocabulary most_frequent(const std::map<std::string, std::int64_t>& counts, const VocabularyLimits& limits);

}  // namespace berth::seq2seq

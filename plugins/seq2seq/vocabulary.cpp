#include "vocabulary.h"

#include <algorithm>
#include <utility>

#include "berth/error.h"
#include "berth/kit/text.h"

namespace berth::seq2seq {

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  std::int64_t id = kFirstWord;
  for (const std::string& word : words_) {
    if (ids_.emplace(word, id++).second) continue;
    throw Error(ErrorKind::kContent, "the target vocabulary holds " + kit::quote_for_message(word) +
                                         " twice; the task's state is damaged, train again");
  }
}

const std::string& Vocabulary::word(std::int64_t id) const {
  static const std::string kSpecial[] = {"[begin]", "[end]", "[unknown]"};
  if (id < kFirstWord) return kSpecial[static_cast<std::size_t>(id)];
  return words_.at(static_cast<std::size_t>(id - kFirstWord));
}

std::optional<std::int64_t> Vocabulary::find(std::string_view word) const {
  const auto found = ids_.find(std::string(word));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

Vocabulary most_frequent(const std::map<std::string, std::int64_t>& counts, const VocabularyLimits& limits) {
  std::vector<std::pair<std::string, std::int64_t>> kept;
  for (const auto& entry : counts) {
    if (entry.second >= limits.min_count) kept.push_back(entry);
  }
  std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (limits.max_words > 0 && kept.size() > static_cast<std::size_t>(limits.max_words)) {
    kept.resize(static_cast<std::size_t>(limits.max_words));
  }
  std::vector<std::string> words;
  words.reserve(kept.size());
  for (auto& entry : kept) words.push_back(std::move(entry.first));
  return Vocabulary(std::move(words));
}

}  // namespace berth::seq2seq

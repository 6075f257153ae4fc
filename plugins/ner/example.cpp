#include "example.h"

#include <utility>

namespace berth::ner {

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

void set_split_words(NerExample& example, std::vector<std::string> words) {
  example.came_split = true;
  example.text = join_words(words);
  example.places.clear();
  std::uint32_t begin = 0;
  for (const std::string& word : words) {
    const auto end = begin + static_cast<std::uint32_t>(word.size());
    example.places.push_back({begin, end});
    begin = end + 1;
  }
  example.words = std::move(words);
}

}  // namespace berth::ner

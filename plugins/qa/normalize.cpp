#include "normalize.h"

#include <algorithm>
#include <map>

#include "unicode.h"

namespace berth::qa {
namespace {

// string.punctuation
bool is_punctuation(char32_t c) {
  return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) || (c >= 0x7B && c <= 0x7E);
}

// The regular expression \b(a|an|the)\b matches just where a whole run of word characters is one of the three: \b
// stands between a word character and another one.
std::u32string without_articles(std::u32string_view text) {
  std::u32string result;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && is_word_character(text[end])) ++end;
    const std::u32string_view run = text.substr(i, end - i);
    if (run == U"a" || run == U"an" || run == U"the") {
      result.push_back(' ');
    } else {
      result.append(run);
    }
    if (end < text.size()) result.push_back(text[end++]);
    i = end;
  }
  return result;
}

double f1_of(const Words& prediction, const Words& truth, Rules rules) {
  if (prediction.empty() || truth.empty()) {
    return rules == Rules::kSquad2 && prediction.empty() && truth.empty() ? 1 : 0;
  }
  std::map<std::string_view, std::int64_t> left;
  for (const std::string& word : truth) ++left[word];
  std::int64_t common = 0;
  for (const std::string& word : prediction) {
    const auto found = left.find(word);
    if (found != left.end() && found->second-- > 0) ++common;
  }
  if (common == 0) return 0;
  const double precision = static_cast<double>(common) / static_cast<double>(prediction.size());
  const double recall = static_cast<double>(common) / static_cast<double>(truth.size());
  return (2 * precision * recall) / (precision + recall);
}

}  // namespace

Words normalize(std::string_view answer) {
  std::u32string text = to_lower(decode_utf8(answer));
  std::erase_if(text, is_punctuation);
  text = without_articles(text);
  Words words;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    while (end < text.size() && !is_space(text[end])) ++end;
    if (end > i) words.push_back(encode_utf8(std::u32string_view(text).substr(i, end - i)));
    i = end + 1;
  }
  return words;
}

AnswerScores score_answer(std::string_view prediction, const std::vector<std::string>& truths, Rules rules) {
  std::vector<Words> counted;
  for (const std::string& truth : truths) {
    Words words = normalize(truth);
    if (rules == Rules::kSquad1 || !words.empty()) counted.push_back(std::move(words));
  }
  if (counted.empty()) counted.emplace_back();
  const Words words = normalize(prediction);
  AnswerScores best;
  for (const Words& truth : counted) {
    best.exact = std::max(best.exact, words == truth ? 1.0 : 0.0);
    best.f1 = std::max(best.f1, f1_of(words, truth, rules));
  }
  return best;
}

}  // namespace berth::qa

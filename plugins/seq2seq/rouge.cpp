#include "rouge.h"

#include <algorithm>
#include <limits>

#include "porter.h"

namespace berth::seq2seq {
namespace {

// The characters outside ASCII whose lower case has an ASCII letter: U+212A KELVIN SIGN, and U+0130 I WITH DOT ABOVE,
// which becomes "i" and a combining dot.
void lower_case(std::string_view text, std::string& result) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (text.substr(i, 3) == "\xE2\x84\xAA") {
      result += 'k';
      i += 2;
    } else if (text.substr(i, 2) == "\xC4\xB0") {
      result += "i ";
      ++i;
    } else {
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
}

std::int64_t common_ngrams(const std::vector<std::string>& a, const std::vector<std::string>& b, std::size_t order) {
  std::map<std::vector<std::string>, std::int64_t> left;
  const auto ngram = [order](const std::vector<std::string>& words, std::size_t i) {
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(i);
    return std::vector<std::string>(begin, begin + static_cast<std::ptrdiff_t>(order));
  };
  for (std::size_t i = 0; i + order <= a.size(); ++i) ++left[ngram(a, i)];
  std::int64_t common = 0;
  for (std::size_t i = 0; i + order <= b.size(); ++i) {
    const auto found = left.find(ngram(b, i));
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  return common;
}

std::int64_t longest_common_subsequence(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::int64_t> row(b.size() + 1, 0);
  for (const std::string& word : a) {
    std::int64_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::int64_t above = row[j + 1];
      row[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return row.back();
}

double f_measure(const Rouge::Counts& counts) {
  const auto [common, reference, answer] = counts;
  const double precision = static_cast<double>(common) / static_cast<double>(std::max<std::int64_t>(answer, 1));
  const double recall = static_cast<double>(common) / static_cast<double>(std::max<std::int64_t>(reference, 1));
  return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
}

}  // namespace

std::vector<std::string> rouge_words(std::string_view text, Stemming stemming) {
  std::string lower;
  lower_case(text, lower);
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(stemming == Stemming::kPorter && word.size() > 3 ? porter_stem(word) : word);
    word.clear();
  };
  for (const char c : lower) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      word += c;
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

void Rouge::add(std::string_view reference, std::string_view answer) {
  const std::vector<std::string> expected = rouge_words(reference, stemming_);
  const std::vector<std::string> found = rouge_words(answer, stemming_);
  const auto size = [](const std::vector<std::string>& words, std::size_t order) {
    return static_cast<std::int64_t>(words.size() < order ? 0 : words.size() - order + 1);
  };
  add(kOne, {common_ngrams(expected, found, 1), size(expected, 1), size(found, 1)}, 1);
  add(kTwo, {common_ngrams(expected, found, 2), size(expected, 2), size(found, 2)}, 1);
  add(kLongest, {longest_common_subsequence(expected, found), size(expected, 1), size(found, 1)}, 1);
}

double Rouge::score(Type type) const {
  long double sum = 0;
  std::int64_t examples = 0;
  for (const auto& [counts, times] : counts_[type]) {
    sum += static_cast<long double>(f_measure(counts)) * static_cast<long double>(times);
    examples += times;
  }
  if (examples == 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(sum / static_cast<long double>(examples));
}

}  // namespace berth::seq2seq

#include "bleu.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "words.h"

namespace berth::seq2seq {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == ','; }

// What mteval-v13a always splits off: ASCII punctuation but ' , - and .
bool is_symbol(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
         (c >= ':' && c <= '@') || c == '/';
}

// Each of these is one of the regular expressions of sacrebleu's TokenizerRegexp. A match takes both of its characters,
// so that what follows is looked at by itself. Bytes beyond ASCII are no digits and no stops, which makes working on
// bytes and on code points the same.
std::string split_symbols(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (is_symbol(c)) {
      result.append({' ', c, ' '});
    } else {
      result += c;
    }
  }
  return result;
}

template <typename Match, typename Write>
std::string rewrite_pairs(const std::string& text, Match&& matches, Write&& write) {
  std::string result;
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 1 < text.size() && matches(text[i], text[i + 1])) {
      write(result, text[i], text[i + 1]);
      i += 2;
    } else {
      result += text[i++];
    }
  }
  return result;
}

std::string tokenize_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  const auto apart = [](std::string& out, char a, char b) { out.append({a, ' ', b, ' '}); };
  text = split_symbols(" " + text + " ");
  text = rewrite_pairs(
      text, [](char a, char b) { return !is_digit(a) && is_stop(b); }, apart);
  text = rewrite_pairs(
      text, [](char a, char b) { return is_stop(a) && !is_digit(b); },
      [](std::string& out, char a, char b) {
        out.append({' ', a, ' ', b});
      });
  return rewrite_pairs(
      text, [](char a, char b) { return is_digit(a) && b == '-'; }, apart);
}

using Ngrams = std::map<std::vector<std::string>, std::int64_t>;

Ngrams ngrams(const std::vector<std::string>& words, std::size_t order) {
  Ngrams counts;
  for (std::size_t i = 0; i + order <= words.size(); ++i) {
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(i);
    ++counts[std::vector<std::string>(begin, begin + static_cast<std::ptrdiff_t>(order))];
  }
  return counts;
}

}  // namespace

std::vector<std::string> bleu_words(std::string_view text, BleuTokenizer tokenizer) {
  const std::string_view stripped = strip_end(text);
  return split_words(tokenizer == BleuTokenizer::k13a ? tokenize_13a(stripped) : std::string(stripped));
}

void Bleu::add(std::string_view reference, std::string_view answer) {
  const std::vector<std::string> expected = bleu_words(reference, tokenizer_);
  const std::vector<std::string> found = bleu_words(answer, tokenizer_);
  counts_[0] += static_cast<std::int64_t>(expected.size());
  counts_[1] += static_cast<std::int64_t>(found.size());
  for (std::size_t order = 1; order <= kOrders; ++order) {
    const Ngrams right = ngrams(expected, order);
    for (const auto& [ngram, count] : ngrams(found, order)) {
      const auto match = right.find(ngram);
      if (match != right.end()) counts_[1 + order] += std::min(count, match->second);
      counts_[1 + kOrders + order] += count;
    }
  }
}

void Bleu::add(const Counts& counts) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += counts[i];
}

double Bleu::score() const {
  const auto matches = std::span(counts_).subspan(2, kOrders);
  const auto totals = std::span(counts_).subspan(2 + kOrders, kOrders);
  if (std::all_of(matches.begin(), matches.end(), [](std::int64_t n) { return n == 0; })) return 0;
  const auto expected = static_cast<double>(counts_[0]);
  const auto found = static_cast<double>(counts_[1]);
  const double brevity = found < expected ? std::exp(1 - expected / found) : 1;
  double smoothing = 1;
  double sum = 0;
  for (std::size_t i = 0; i < kOrders; ++i) {
    if (totals[i] == 0) return 0;  // the corpus has no answer of so many words
    double count = static_cast<double>(matches[i]);
    if (matches[i] == 0) {
      smoothing *= 2;
      count = 1 / smoothing;
    }
    sum += std::log(100 * count / static_cast<double>(totals[i]));
  }
  return brevity * std::exp(sum / static_cast<double>(kOrders));
}

}  // namespace berth::seq2seq

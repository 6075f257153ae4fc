#include "display.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "berth/kit/text.h"
#include "berth/tokenizer.h"
#include "words.h"

namespace berth::seq2seq {
namespace {

constexpr std::string_view kContinued = "##";  // begins a WordPiece within a word

std::string_view without_prefix(std::string_view piece) {
  if (piece.size() > kContinued.size() && piece.starts_with(kContinued)) piece.remove_prefix(kContinued.size());
  return piece;
}

// Where the words of a text stand in it. words: all of them, in order.
std::vector<Span> find_words(const std::string& text, const std::vector<std::string>& words) {
  std::vector<Span> places;
  places.reserve(words.size());
  std::size_t at = 0;
  for (const std::string& word : words) {
    at = text.find(word, at);
    places.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + word.size())});
    at += word.size();
  }
  return places;
}

// Where the tokens of an answer stand in its text; an empty place for one that the text does not repeat.
std::vector<Span> find_tokens(const std::string& text, const std::vector<AnswerToken>& tokens) {
  std::vector<Span> places;
  places.reserve(tokens.size());
  std::size_t at = 0;
  for (const AnswerToken& token : tokens) {
    const std::string_view piece = without_prefix(token.text);
    const std::size_t found = text.find(piece, at);
    if (found == std::string::npos) {
      places.emplace_back();
      continue;
    }
    at = found + piece.size();
    places.push_back({static_cast<std::uint32_t>(found), static_cast<std::uint32_t>(at)});
  }
  return places;
}

bool holds(const std::string& word, std::string_view piece) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::search(word.begin(), word.end(), piece.begin(), piece.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != word.end();
}

// How well the tokens fit the words that they are said to be copied from, if these are counted so: 2 for each that is
// the word, 1 for each that is a part of it.
int agreement(const std::vector<std::string>& words, const std::vector<AnswerToken>& tokens) {
  int sum = 0;
  for (const AnswerToken& token : tokens) {
    if (!token.source_word || static_cast<std::size_t>(*token.source_word) >= words.size()) continue;
    const std::string& word = words[static_cast<std::size_t>(*token.source_word)];
    sum += word == token.text ? 2 : holds(word, without_prefix(token.text)) ? 1 : 0;
  }
  return sum;
}

// The words of the source as the task numbered them. Whether it split off punctuation the answer does not say: it did
// where the tokens then fit better.
std::vector<std::string> numbered_words(const std::string& source, const std::vector<AnswerToken>& tokens) {
  std::vector<std::string> words = split_words(source);
  std::vector<std::string> split = split_punctuation(words);
  return agreement(split, tokens) > agreement(words, tokens) ? split : words;
}

// Whether the second token goes on with the run that the first was copied in.
bool goes_on(const AnswerToken& first, const AnswerToken& second) {
  if (!first.source_word || !second.source_word) return false;
  const bool is_same_word = *second.source_word == *first.source_word && second.text.starts_with(kContinued);
  return is_same_word || *second.source_word == *first.source_word + 1;
}

void mark_copies(const Answer& answer, ShownText& source, ShownText& prediction) {
  const std::vector<Span> words = find_words(source.text, numbered_words(source.text, answer.tokens));
  const std::vector<Span> tokens = find_tokens(answer.text, answer.tokens);
  std::int64_t link = 0;
  for (std::size_t begin = 0; begin < tokens.size();) {
    std::size_t last = begin;
    while (last + 1 < tokens.size() && goes_on(answer.tokens[last], answer.tokens[last + 1])) ++last;
    const auto first_word = answer.tokens[begin].source_word;
    const auto last_word = answer.tokens[last].source_word;
    if (first_word && static_cast<std::size_t>(*last_word) < words.size() && tokens[last].end > tokens[begin].begin) {
      ++link;
      source.marks.push_back({words[static_cast<std::size_t>(*first_word)].begin,
                              words[static_cast<std::size_t>(*last_word)].end, MarkKind::kSource, "", link});
      prediction.marks.push_back({tokens[begin].begin, tokens[last].end, MarkKind::kAnswer, "", link});
    }
    begin = last + 1;
  }
}

// The length of the longest common subsequence over the mean length of both; 1 where both are empty.
double similarity(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() && b.empty()) return 1;
  std::vector<std::size_t> row(b.size() + 1);  // for the first words of `a` so far, and the first of `b` by index
  for (const std::string& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, row[j]);
      diagonal = above;
    }
  }
  return 2 * static_cast<double>(row.back()) / static_cast<double>(a.size() + b.size());
}

// What stands between the words that both begin and end with.
std::string explain(const std::vector<std::string>& found, const std::vector<std::string>& expected) {
  const std::size_t shorter = std::min(found.size(), expected.size());
  std::size_t same = 0;
  while (same < shorter && found[same] == expected[same]) ++same;
  std::size_t after = 0;
  while (same + after < shorter && found[found.size() - 1 - after] == expected[expected.size() - 1 - after]) ++after;
  const auto middle = [&](const std::vector<std::string>& words) {
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(same);
    return join_words({begin, words.end() - static_cast<std::ptrdiff_t>(after)});
  };
  const std::string wrong = middle(found);
  const std::string right = middle(expected);
  const std::string place = same == 0 ? " at the beginning" : " after " + kit::quote_for_message(found[same - 1]);
  if (wrong.empty()) return kit::quote_for_message(right) + " is missing" + place;
  if (right.empty()) return kit::quote_for_message(wrong) + " is too much" + place;
  return kit::quote_for_message(wrong) + " stands where " + kit::quote_for_message(right) + " should";
}

void judge_answer(const Answer& answer, Shown& shown) {
  shown.truth = *answer.reference;
  const std::vector<std::string> found = split_words(answer.text);
  const std::vector<std::string> expected = split_words(*answer.reference);
  const bool is_right = found == expected;
  Decision decision;
  decision.is_right = is_right;
  decision.confidence = std::exp(answer.score);
  shown.decisions.push_back(std::move(decision));
  if (is_right) return;
  shown.error = 1 - similarity(found, expected);
  shown.reason = explain(found, expected);
}

}  // namespace

Shown show_answer(const Seq2SeqExample& example, const Seq2SeqPrediction& prediction) {
  const Answer& answer = prediction.answer();
  Shown shown;
  shown.texts = {{"source", example.source, {}}, {"prediction", answer.text, {}}};
  mark_copies(answer, shown.texts.front(), shown.texts.back());
  shown.answer = answer.text;
  if (answer.reference) judge_answer(answer, shown);
  return shown;
}

}  // namespace berth::seq2seq

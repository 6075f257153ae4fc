#include "porter.h"

#include <array>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace berth::seq2seq {
namespace {

bool is_vowel_letter(char c) { return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u'; }

// A y after a consonant is a vowel, and one after a vowel, or at the start, a consonant.
std::vector<bool> consonants(std::string_view word) {
  std::vector<bool> flags;
  for (const char c : word) {
    flags.push_back(c == 'y' ? flags.empty() || !flags.back() : !is_vowel_letter(c));
  }
  return flags;
}

// Porter's m: how often a consonant follows a vowel.
int measure(std::string_view stem) {
  const std::vector<bool> flags = consonants(stem);
  int count = 0;
  for (std::size_t i = 1; i < flags.size(); ++i) count += !flags[i - 1] && flags[i] ? 1 : 0;
  return count;
}

bool has_vowel(std::string_view stem) {
  for (const bool is_consonant : consonants(stem)) {
    if (!is_consonant) return true;
  }
  return false;
}

bool ends_in_double_consonant(std::string_view word) {
  return word.size() >= 2 && word.back() == word[word.size() - 2] && consonants(word).back();
}

// Consonant, vowel, consonant but w, x and y; NLTK: also a whole word of vowel and consonant.
bool ends_cvc(std::string_view word) {
  const std::vector<bool> flags = consonants(word);
  const std::size_t n = flags.size();
  if (n == 2) return !flags[0] && flags[1];
  return n >= 3 && flags[n - 3] && !flags[n - 2] && flags[n - 1] && word.back() != 'w' && word.back() != 'x' &&
         word.back() != 'y';
}

std::string_view without(std::string_view word, std::size_t letters) { return word.substr(0, word.size() - letters); }

struct Rule {
  std::string_view suffix;
  std::string_view replacement;
};

// The first rule whose suffix fits decides: it is applied if its stem's measure is above `least`.
template <std::size_t kSize>
std::string apply(const std::string& word, const std::array<Rule, kSize>& rules, int least) {
  for (const Rule& rule : rules) {
    if (!std::string_view(word).ends_with(rule.suffix)) continue;
    const std::string_view stem = without(word, rule.suffix.size());
    return measure(stem) > least ? std::string(stem).append(rule.replacement) : word;
  }
  return word;
}

std::string step_1a(const std::string& word) {
  if (word.ends_with("ies")) return word.substr(0, word.size() - (word.size() == 4 ? 1 : 2));
  if (word.ends_with("sses")) return word.substr(0, word.size() - 2);
  return word.ends_with("s") && !word.ends_with("ss") ? word.substr(0, word.size() - 1) : word;
}

// After "ed" or "ing" was taken off.
std::string mend(const std::string& stem) {
  if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) return stem + "e";
  if (ends_in_double_consonant(stem)) {
    const bool stays = stem.back() == 'l' || stem.back() == 's' || stem.back() == 'z';
    return stays ? stem : stem.substr(0, stem.size() - 1);
  }
  return measure(stem) == 1 && ends_cvc(stem) ? stem + "e" : stem;
}

std::string step_1b(const std::string& word) {
  if (word.ends_with("ied")) return word.substr(0, word.size() - (word.size() == 4 ? 1 : 2));
  if (word.ends_with("eed")) return measure(without(word, 3)) > 0 ? word.substr(0, word.size() - 1) : word;
  for (const std::string_view suffix : {"ed", "ing"}) {
    if (!word.ends_with(suffix)) continue;
    const std::string stem(without(word, suffix.size()));
    if (has_vowel(stem)) return mend(stem);
  }
  return word;
}

std::string step_1c(const std::string& word) {
  if (!word.ends_with("y")) return word;
  const std::string_view stem = without(word, 1);
  return stem.size() > 1 && consonants(stem).back() ? std::string(stem) + "i" : word;
}

std::string step_2(const std::string& word) {
  static constexpr std::array<Rule, 20> kRules = {
      {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
       {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
       {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
       {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"}}};
  if (word.ends_with("alli") && measure(without(word, 4)) > 0) return step_2(word.substr(0, word.size() - 2));
  for (const Rule& rule : kRules) {
    if (word.ends_with(rule.suffix)) return apply(word, kRules, 0);
  }
  if (word.ends_with("fulli")) return measure(without(word, 5)) > 0 ? word.substr(0, word.size() - 2) : word;
  // The l belongs to the stem here, so that short ones (geo-logi) count as well.
  if (word.ends_with("logi")) return measure(without(word, 3)) > 0 ? word.substr(0, word.size() - 1) : word;
  return word;
}

std::string step_3(const std::string& word) {
  static constexpr std::array<Rule, 7> kRules = {
      {{"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"}, {"ical", "ic"}, {"ful", ""}, {"ness", ""}}};
  return apply(word, kRules, 0);
}

std::string step_4(const std::string& word) {
  static constexpr std::array<Rule, 11> kFirst = {{{"al", ""},
                                                   {"ance", ""},
                                                   {"ence", ""},
                                                   {"er", ""},
                                                   {"ic", ""},
                                                   {"able", ""},
                                                   {"ible", ""},
                                                   {"ant", ""},
                                                   {"ement", ""},
                                                   {"ment", ""},
                                                   {"ent", ""}}};
  static constexpr std::array<Rule, 7> kLast = {
      {{"ou", ""}, {"ism", ""}, {"ate", ""}, {"iti", ""}, {"ous", ""}, {"ive", ""}, {"ize", ""}}};
  for (const Rule& rule : kFirst) {
    if (word.ends_with(rule.suffix)) return apply(word, kFirst, 1);
  }
  if (word.ends_with("ion")) {
    const std::string_view stem = without(word, 3);
    return measure(stem) > 1 && (stem.back() == 's' || stem.back() == 't') ? std::string(stem) : word;
  }
  return apply(word, kLast, 1);
}

std::string step_5(const std::string& word) {
  std::string result = word;
  if (word.ends_with("e")) {
    const std::string_view stem = without(word, 1);
    const int m = measure(stem);
    if (m > 1 || (m == 1 && !ends_cvc(stem))) result = stem;
  }
  return result.ends_with("ll") && measure(without(result, 1)) > 1 ? result.substr(0, result.size() - 1) : result;
}

}  // namespace

std::string porter_stem(const std::string& word) {
  static const std::unordered_map<std::string_view, std::string_view> kIrregular = {
      {"sky", "sky"},        {"skies", "sky"},       {"dying", "die"},        {"lying", "lie"},
      {"tying", "tie"},      {"news", "news"},       {"innings", "inning"},   {"inning", "inning"},
      {"outings", "outing"}, {"outing", "outing"},   {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"}, {"exceed", "exceed"},    {"succeed", "succeed"}};
  const auto irregular = kIrregular.find(word);
  if (irregular != kIrregular.end()) return std::string(irregular->second);
  if (word.size() <= 2) return word;
  return step_5(step_4(step_3(step_2(step_1c(step_1b(step_1a(word)))))));
}

}  // namespace berth::seq2seq

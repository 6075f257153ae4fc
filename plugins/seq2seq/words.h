// Words as they stand between white space: what own target vocabularies are made of, what is copied from sources, and
// what BLEU counts. White space is what Python's str.split() takes for it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::seq2seq {

// Without white space at its end, as Python's str.rstrip().
std::string_view strip_end(std::string_view text);

// text: UTF-8. Never gives an empty word.
std::vector<std::string> split_words(std::string_view text);

// With single spaces between them.
std::string join_words(const std::vector<std::string>& words);

// ASCII punctuation at a word's ends becomes words of its own: "(two jars)." -> "(" "two" "jars" ")" ".".
std::vector<std::string> split_punctuation(const std::vector<std::string>& words);

}  // namespace berth::seq2seq

// Porter's stemmer (Porter 1980) with the changes of NLTK, whose stems rouge-score compares.
#pragma once

#include <string>

namespace berth::seq2seq {

// word: a-z and 0-9.
std::string porter_stem(const std::string& word);

}  // namespace berth::seq2seq

// What the official SQuAD scripts compare: answers in lower case, without punctuation, articles and extra white space.
// Rajpurkar et al. 2016 (1.1) and 2018 (2.0).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::qa {

// The words that are left of an answer; joined by spaces they are the scripts' normalised text.
using Words = std::vector<std::string>;

// Lower case; ASCII punctuation goes; the words a, an and the go (a word: what is between two boundaries \b, so that
// they go before an accent as well); split at white space. All as Python does it.
Words normalize(std::string_view answer);

// Which of the two scripts' rules hold where nothing is left of an answer.
enum class Rules : std::uint8_t {
  kSquad1,  // F1 is 0
  kSquad2,  // F1 is 1 where both are empty; answers of which nothing is left don't count; none at all: "" is right
};

struct AnswerScores {
  double exact = 0;  // 0 or 1
  double f1 = 0;     // of the words, each as often as it occurs; 0 to 1
};

// The best of each score over the true answers. kSquad1: at least one of them.
AnswerScores score_answer(std::string_view prediction, const std::vector<std::string>& truths, Rules rules);

}  // namespace berth::qa

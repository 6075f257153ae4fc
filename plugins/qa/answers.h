// From what a file says of a question's answers to stretches of its context. Both readers use it.
#pragma once

#include <string>

#include "berth/kit/json.h"
#include "example.h"

namespace berth::qa {

// What is done where an answer does not stand where the file says.
enum class BadAnswers : std::uint8_t {
  kError,
  kSkip,     // its text still counts for scores; a question none of whose answers has a place is left out
  kNearest,  // likewise, with the occurrence of the text that is nearest to the place said; none has any: an error
};

// Sets example.answers; id, context and where are set already. value is one of
//   [{"text": "...", "answer_start": 17}, ...]          as SQuAD writes it; [] where there is no answer
//   {"text": ["...", ...], "answer_start": [17, ...]}   as Hugging Face's datasets write it
//   ["...", ...]                                        where each text stands once in the context
// answer_start counts code points from 0, and may be left out where the text stands once in the context.
// False where the question is to be left out. Throws Error kContent for what is none of these, and for bad answers as
// kError and kNearest say.
bool read_answers(const kit::Json& value, BadAnswers bad_answers, QaExample& example);

}  // namespace berth::qa

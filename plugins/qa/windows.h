// From a question and its context to what the encoder reads: [CLS] question [SEP] part of the context [SEP], in windows
// that overlap where the context is too long for one.
#pragma once

#include <vector>

#include "berth/task.h"
#include "example.h"

namespace berth::qa {

struct WindowSettings {
  std::int64_t stride = -1;               // tokens that neighbouring windows share; negative: a third of the length
  std::int64_t max_question_length = 64;  // tokens; of longer questions the beginning stays
};

// The features of one question, at least one. Their targets, where the example has answers, are "start" and "end": the
// positions in the window of the first answer's first and last token, or both 0 ([CLS]) where the window does not hold
// the whole answer or the question has none; as in transformers' run_qa, but for an answer that begins with the
// window's last token, which run_qa lets start at the [SEP] behind it.
std::vector<Feature> make_windows(const QaExample& example, const FeatureContext& context,
                                  const WindowSettings& settings);

// The tokens [first, last) of a window that are its part of the context; first == last where it has none.
struct ContextTokens {
  std::size_t first = 0;
  std::size_t last = 0;
};
ContextTokens context_tokens(const Encoding& window);

}  // namespace berth::qa

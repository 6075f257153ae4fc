// One sentence of a tagging set: its words, where they stand in the text, and the entities among them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/kit/columns.h"
#include "berth/kit/tags.h"
#include "berth/tokenizer.h"

namespace berth::ner {

class NerExample : public kit::RecordExample {
 public:
  using RecordExample::RecordExample;

  std::string text;  // of words that came split: join_words()
  std::vector<std::string> words;
  std::vector<Span> places;                              // one a word: its bytes in the text
  std::optional<std::vector<kit::EntitySpan>> entities;  // over words, in order, none overlapping; absent in predict
  std::vector<std::int64_t> lines;                       // of the words, where each has one of its own
  bool came_split = false;  // the input gave words, so that it is told tags as well as entities

  // Sentences of one document have the same name here; "" stands alone.
  std::string document;
  // Words of the neighbouring sentences, as many as the task looks at: the nearest is the last of `before` and the
  // first of `after`.
  std::vector<std::string> before;
  std::vector<std::string> after;
};

// With a space between.
std::string join_words(const std::vector<std::string>& words);

// Sets words, places and text of words that come split.
void set_split_words(NerExample& example, std::vector<std::string> words);

}  // namespace berth::ner

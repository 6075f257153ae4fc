// One question about one context: what a reader makes, and features, decoding and metric read.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/dataset.h"
#include "berth/tokenizer.h"

namespace berth::qa {

struct Answer {
  std::string text;
  std::optional<Span>
      span;  // of the context, in bytes, where the text stands; nothing: it is not known, or stands nowhere
};

class QaExample final : public Example {
 public:
  std::string json() const override { return fields; }

  std::string id;  // the set's own; without one, the number of its line
  std::string question;
  std::shared_ptr<const std::string> context;  // shared by all questions about it
  // Nothing where they are not known (predict); empty where the question is known to have none. The first has a span.
  std::optional<std::vector<Answer>> answers;
  std::string fields;  // the row as a JSON object
};

// "question 'ID'", for messages.
std::string name_of(const QaExample& example);

}  // namespace berth::qa

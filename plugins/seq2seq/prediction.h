// The answer for one source.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "berth/metric.h"

namespace berth::seq2seq {

// A token of an answer, and the word of the source that it was copied from.
struct AnswerToken {
  std::string text;
  std::optional<std::int64_t> source_word;  // counted from 0; nothing where it was generated
};

struct Answer {
  std::string text;
  double score = 0;  // logarithm of its probability
  std::vector<AnswerToken> tokens;
  bool shows_tokens = false;             // in json()
  std::optional<std::string> reference;  // what it is scored against, where the example has a target
};

class Seq2SeqPrediction final : public Prediction {
 public:
  explicit Seq2SeqPrediction(Answer answer) : answer_(std::move(answer)) {}

  const Answer& answer() const { return answer_; }

  // {"prediction": "play jazz", "score": -0.2}, and where tokens are shown
  // "tokens": [{"token": "play", "from": "vocabulary"}, {"token": "jazz", "from": "source", "source_word": 3}]
  std::string json() const override;

 private:
  Answer answer_;
};

}  // namespace berth::seq2seq

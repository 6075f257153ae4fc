#include "prediction.h"

#include <utility>

#include "berth/kit/json.h"

namespace berth::seq2seq {

std::string Seq2SeqPrediction::json() const {
  kit::Json object;
  object.set("prediction", answer_.text);
  object.set("score", answer_.score);
  if (answer_.shows_tokens) {
    kit::Json::Array tokens;
    for (const AnswerToken& token : answer_.tokens) {
      kit::Json one;
      one.set("token", token.text);
      one.set("from", token.source_word ? "source" : "vocabulary");
      if (token.source_word) one.set("source_word", *token.source_word);
      tokens.push_back(std::move(one));
    }
    object.set("tokens", std::move(tokens));
  }
  return kit::dump_json(object);
}

}  // namespace berth::seq2seq

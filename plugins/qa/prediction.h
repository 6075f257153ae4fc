// The answer to one question, with the next best ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer_search.h"
#include "berth/metric.h"

namespace berth::qa {

// A stretch of the context as it is reported, or "no answer": then the text is empty and there is no place.
struct RankedAnswer {
  std::string text;
  std::optional<std::size_t> start;  // code points of the context, half-open
  std::optional<std::size_t> end;
  double score = 0;            // start and end added, as the head gives them
  double log_probability = 0;  // of the softmax over the scores of the list that it stands in
};

struct NoAnswer {
  double score = 0;      // of "no answer"
  double threshold = 0;  // it is the prediction where its odds are above
};

class QaPrediction final : public Prediction {
 public:
  // candidates: the best first. no_answer: nothing where every question has an answer.
  QaPrediction(std::string_view context, const std::vector<Candidate>& candidates,
               const std::optional<NoAnswer>& no_answer);

  // "" for no answer, and where the context has no text to answer with.
  const std::string& text() const { return is_null_ ? none_ : best_text(); }
  // The best answer, whatever speaks for there being none.
  const std::string& best_text() const { return best_ ? answers_[*best_].text : none_; }
  // How much more there speaks for no answer than for the best one: the difference of their scores.
  double null_odds() const { return null_odds_; }
  // What was decided for, "no answer" perhaps; null where there is nothing to answer with.
  const RankedAnswer* chosen() const {
    const auto& at = is_null_ ? no_answer_ : best_;
    return at ? &answers_[*at] : nullptr;
  }
  bool may_have_none() const { return no_answer_.has_value(); }  // whether "no answer" is among those to choose from

  // {"prediction": "...", "start": 17, "end": 24, "score": 9.1, "log_probability": -0.2, "n_best": [...]}, and
  // "null_odds" where there may be no answer. start and end are null for no answer.
  std::string json() const override;

 private:
  std::vector<RankedAnswer> answers_;     // the best first; with no_answer, one of them is that
  std::optional<std::size_t> best_;       // the best that is an answer
  std::optional<std::size_t> no_answer_;  // the one that is none
  bool is_null_ = false;
  double null_odds_ = 0;
  std::string none_;
};

}  // namespace berth::qa

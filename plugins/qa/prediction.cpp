#include "prediction.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "berth/kit/json.h"
#include "unicode.h"

namespace berth::qa {
namespace {

void set_log_probabilities(std::vector<RankedAnswer>& answers) {
  if (answers.empty()) return;
  const double largest = answers.front().score;  // they are sorted
  double sum = 0;
  for (const RankedAnswer& answer : answers) sum += std::exp(answer.score - largest);
  for (RankedAnswer& answer : answers) answer.log_probability = answer.score - largest - std::log(sum);
}

kit::Json place(const std::optional<std::size_t>& at) { return at ? kit::Json(*at) : kit::Json(); }

void add_fields(kit::Json& object, const RankedAnswer& answer) {
  object.set("start", place(answer.start));
  object.set("end", place(answer.end));
  object.set("score", answer.score);
  object.set("log_probability", answer.log_probability);
}

}  // namespace

QaPrediction::QaPrediction(std::string_view context, const std::vector<Candidate>& candidates,
                           const std::optional<NoAnswer>& no_answer) {
  for (const Candidate& candidate : candidates) {
    const std::string_view text = context.substr(candidate.span.begin, candidate.span.end - candidate.span.begin);
    const std::size_t start = count_code_points(context.substr(0, candidate.span.begin));
    answers_.push_back({std::string(text), start, start + count_code_points(text), candidate.score, 0});
  }
  if (!answers_.empty()) best_ = 0;
  if (no_answer) {
    // Without any candidate, 0 stands for the best one's score, as in run_qa.
    null_odds_ = no_answer->score - (best_ ? answers_.front().score : 0);
    is_null_ = null_odds_ > no_answer->threshold;
    const auto after = std::find_if(answers_.begin(), answers_.end(),
                                    [&](const RankedAnswer& answer) { return answer.score < no_answer->score; });
    no_answer_ = after - answers_.begin();
    if (best_ && no_answer_ == 0) best_ = 1;
    answers_.insert(after, {"", std::nullopt, std::nullopt, no_answer->score, 0});
  }
  set_log_probabilities(answers_);
}

std::string QaPrediction::json() const {
  kit::Json object;
  object.set("prediction", text());
  if (const RankedAnswer* answer = chosen()) {
    add_fields(object, *answer);
  } else {
    object.set("start", kit::Json());
    object.set("end", kit::Json());
  }
  if (may_have_none()) object.set("null_odds", null_odds_);
  kit::Json::Array list;
  for (const RankedAnswer& answer : answers_) {
    kit::Json one;
    one.set("text", answer.text);
    add_fields(one, answer);
    list.push_back(std::move(one));
  }
  object.set("n_best", std::move(list));
  return kit::dump_json(object);
}

}  // namespace berth::qa

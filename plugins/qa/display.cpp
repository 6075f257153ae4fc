#include "display.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "berth/kit/json.h"
#include "berth/kit/text.h"
#include "normalize.h"
#include "unicode.h"

namespace berth::qa {
namespace {

constexpr const char* kNoAnswer = "no answer";

const char* decided(std::string_view answer) { return answer.empty() ? "" : "answer"; }

ShownText marked_context(const QaExample& example, const kit::Json& said) {
  ShownText context{"context", *example.context, {}};
  if (said.at("start").is_int()) {  // code points; null for no answer
    const auto byte = [&](const char* key) {
      return byte_of_code_point(context.text, static_cast<std::size_t>(said.at(key).as_int()));
    };
    context.marks.push_back({byte("start"), byte("end"), MarkKind::kAnswer, ""});
  }
  if (!example.answers) return context;
  std::vector<Span> seen;  // annotators often agree
  for (const Answer& answer : *example.answers) {
    if (!answer.span || std::find(seen.begin(), seen.end(), *answer.span) != seen.end()) continue;
    seen.push_back(*answer.span);
    context.marks.push_back({answer.span->begin, answer.span->end, MarkKind::kTruth, ""});
  }
  return context;
}

// Each true answer once.
std::vector<std::string> distinct_texts(const std::vector<Answer>& answers) {
  std::vector<std::string> texts;
  for (const Answer& answer : answers) {
    if (std::find(texts.begin(), texts.end(), answer.text) == texts.end()) texts.push_back(answer.text);
  }
  return texts;
}

std::string explain(const std::string& answer, const std::vector<std::string>& truths, double f1) {
  if (truths.empty()) return "there is no answer in the context, but " + kit::quote_for_message(answer) + " was given";
  const std::string truth = kit::quote_for_message(truths.front());
  if (answer.empty()) return "no answer was found; " + truth + " is right";
  std::string reason = "got " + kit::quote_for_message(answer) + "; " + truth + " is right";
  if (f1 == 0) return reason;
  char score[32];
  std::snprintf(score, sizeof(score), "%.2f", f1);
  reason.append(", which shares words with it (F1 ").append(score).append(")");
  return reason;
}

void judge_answer(const std::vector<std::string>& truths, const kit::Json& said, Shown& shown) {
  const std::string& answer = said.at("prediction").as_string();
  for (const std::string& truth : truths) shown.truth.append(shown.truth.empty() ? "" : " / ").append(truth);
  if (truths.empty()) shown.truth = kNoAnswer;
  // Where there may be no answer, predictions say its odds.
  const bool has_no_answer = truths.empty() || said.find("null_odds") != nullptr;
  const AnswerScores scores = score_answer(answer, truths, has_no_answer ? Rules::kSquad2 : Rules::kSquad1);
  shown.error = 1 - scores.f1;
  if (shown.error > 0) shown.reason = explain(answer, truths, scores.f1);
  Decision decision;
  decision.truth = truths.empty() ? "" : decided(truths.front());
  decision.answer = decided(answer);
  decision.is_right = scores.exact > 0;
  if (const kit::Json* log_probability = said.find("log_probability")) {
    decision.confidence = std::exp(log_probability->as_double());
  }
  shown.decisions.push_back(std::move(decision));
}

}  // namespace

Shown show_answer(const QaExample& example, const QaPrediction& prediction) {
  const kit::Json said = kit::parse_json(prediction.json());
  Shown shown;
  shown.texts.push_back({"question", example.question, {}});
  shown.texts.push_back(marked_context(example, said));
  shown.answer = prediction.text().empty() ? kNoAnswer : prediction.text();
  if (example.answers) judge_answer(distinct_texts(*example.answers), said, shown);
  return shown;
}

}  // namespace berth::qa

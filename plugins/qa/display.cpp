#include "display.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "berth/kit/text.h"
#include "normalize.h"
#include "unicode.h"

namespace berth::qa {
namespace {

constexpr const char* kNoAnswer = "no answer";

const char* decided(std::string_view answer) { return answer.empty() ? "" : "answer"; }

// said: what was answered, or null.
ShownText marked_context(const QaExample& example, const RankedAnswer* said) {
  ShownText context{"context", *example.context, {}};
  if (said != nullptr && said->start) {
    context.marks.push_back({byte_of_code_point(context.text, *said->start),
                             byte_of_code_point(context.text, *said->end), MarkKind::kAnswer, ""});
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

void judge_answer(const std::vector<std::string>& truths, const QaPrediction& prediction, Shown& shown) {
  const std::string& answer = prediction.text();
  for (const std::string& truth : truths) shown.truth.append(shown.truth.empty() ? "" : " / ").append(truth);
  if (truths.empty()) shown.truth = kNoAnswer;
  const bool has_no_answer = truths.empty() || prediction.may_have_none();
  const AnswerScores scores = score_answer(answer, truths, has_no_answer ? Rules::kSquad2 : Rules::kSquad1);
  shown.error = 1 - scores.f1;
  if (shown.error > 0) shown.reason = explain(answer, truths, scores.f1);
  Decision decision;
  decision.truth = truths.empty() ? "" : decided(truths.front());
  decision.answer = decided(answer);
  decision.is_right = scores.exact > 0;
  if (const RankedAnswer* said = prediction.chosen()) decision.confidence = std::exp(said->log_probability);
  shown.decisions.push_back(std::move(decision));
}

}  // namespace

Shown show_answer(const QaExample& example, const QaPrediction& prediction) {
  Shown shown;
  shown.texts.push_back({"question", example.question, {}});
  shown.texts.push_back(marked_context(example, prediction.chosen()));
  shown.answer = prediction.text().empty() ? kNoAnswer : prediction.text();
  if (example.answers) judge_answer(distinct_texts(*example.answers), prediction, shown);
  return shown;
}

}  // namespace berth::qa

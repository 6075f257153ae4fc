#include "display.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string_view>

#include "berth/kit/json.h"
#include "berth/kit/text.h"

namespace berth::classification {
namespace {

using Probabilities = std::map<std::string, double, std::less<>>;

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", value);
  return text;
}

// "praise (0.47)"
std::string with_number(const std::string& label, double probability) {
  return label + " (" + short_number(probability) + ")";
}

// 'praise' 0.47
std::string quoted_with_number(const std::string& label, double probability) {
  return kit::quote_for_message(label) + " " + short_number(probability);
}

// The logarithm of a probability that is 0 in a double would be no number to sort by.
double cost(double probability) { return -std::log(std::max(probability, std::numeric_limits<double>::min())); }

// The name of the row's field that holds this text, other than `taken`.
std::string field_of(const kit::Json& row, const std::string& text, std::string_view taken) {
  for (const auto& [name, value] : row.as_object()) {
    if (name != taken && kit::scalar_text(value) == text) return name;
  }
  return taken.empty() ? "text" : "text_pair";
}

std::vector<ShownText> texts_of(const ClassificationExample& example) {
  const kit::Json row = kit::parse_json(example.json());
  std::vector<ShownText> texts = {{field_of(row, example.text, ""), example.text, {}}};
  if (example.pair) texts.push_back({field_of(row, *example.pair, texts.front().title), *example.pair, {}});
  return texts;
}

double probability_of(const Probabilities& probabilities, const std::string& label) {
  const auto found = probabilities.find(label);
  return found == probabilities.end() ? 0 : found->second;
}

// Each of these is without its texts.
Shown show_number(const ClassificationExample& example, double answer) {
  Shown shown;
  shown.answer = short_number(answer);
  if (!example.number) return shown;
  shown.truth = kit::format_number(*example.number);
  shown.error = std::abs(answer - *example.number);
  if (shown.error > 0) {
    shown.reason = short_number(shown.error) + (answer > *example.number ? " too high" : " too low");
  }
  return shown;
}

Shown show_label(const std::optional<std::vector<std::string>>& truth, const std::string& answer,
                 const Probabilities& probabilities) {
  Shown shown;
  const double confidence = probability_of(probabilities, answer);
  shown.answer = with_number(answer, confidence);
  if (!truth) return shown;
  shown.truth = truth->front();
  const bool is_right = shown.truth == answer;
  shown.decisions = {{shown.truth, answer, is_right, confidence}};
  if (is_right) return shown;
  const double of_truth = probability_of(probabilities, shown.truth);
  shown.error = cost(of_truth);
  shown.reason = "got " + quoted_with_number(answer, confidence) + "; " + kit::quote_for_message(shown.truth) +
                 ", which is right, " + short_number(of_truth);
  return shown;
}

// One label of a text that may have several: truth and answer are the label or "".
void judge(berth::Decision decision, double probability, Shown& shown) {
  const bool is_missed = decision.answer.empty();
  // Of the noes only those that are wrong are told, which says nothing of how sure a no is.
  if (!is_missed) decision.confidence = probability;
  decision.is_right = decision.truth == decision.answer;
  if (!decision.is_right) {
    shown.error += cost(is_missed ? probability : 1 - probability);
    shown.reason.append(shown.reason.empty() ? "" : "; ").append(is_missed ? "missed " : "wrongly gave ");
    shown.reason += quoted_with_number(is_missed ? decision.truth : decision.answer, probability);
  }
  shown.decisions.push_back(std::move(decision));
}

Shown show_labels(const std::optional<std::vector<std::string>>& truth, const std::set<std::string>& answers,
                  const Probabilities& probabilities) {
  Shown shown;
  for (const std::string& label : answers) {
    shown.answer.append(shown.answer.empty() ? "" : ", ");
    shown.answer += with_number(label, probability_of(probabilities, label));
  }
  if (answers.empty()) shown.answer = "none";
  if (!truth) return shown;
  const std::set<std::string> right(truth->begin(), truth->end());
  for (const std::string& label : right) shown.truth.append(shown.truth.empty() ? "" : ", ").append(label);
  if (right.empty()) shown.truth = "none";
  std::set<std::string> all = right;
  all.insert(answers.begin(), answers.end());
  for (const std::string& label : all) {
    judge({right.contains(label) ? label : "", answers.contains(label) ? label : ""},
          probability_of(probabilities, label), shown);
  }
  return shown;
}

// Without its texts.
Shown show_decision(const ClassificationExample& example, const ClassificationPrediction& prediction) {
  if (prediction.kind() == Kind::kRegression) return show_number(example, prediction.number());
  const bool has_several = prediction.kind() == Kind::kMultiLabel;
  // Labels that metrics take for one: together as likely as all of them, or where each is a question of its own, as
  // the likeliest.
  Probabilities probabilities;
  const std::vector<std::string>& names = prediction.task_labels().names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double value = prediction.probabilities()[i];
    double& probability = probabilities[example.metric_label(names[i])];
    probability = has_several ? std::max(probability, value) : probability + value;
  }
  const auto truth = example.metric_labels();
  if (!has_several) return show_label(truth, example.metric_label(prediction.labels().front()), probabilities);
  std::set<std::string> answers;
  for (const std::string& label : prediction.labels()) answers.insert(example.metric_label(label));
  return show_labels(truth, answers, probabilities);
}

}  // namespace

Shown show_answer(const ClassificationExample& example, const ClassificationPrediction& prediction) {
  Shown shown = show_decision(example, prediction);
  shown.texts = texts_of(example);
  return shown;
}

}  // namespace berth::classification

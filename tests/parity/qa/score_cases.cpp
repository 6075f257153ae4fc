// Feeds cases (JSON lines) through the qa plugin's own objects; compare.py holds the results against the official
// scripts and against Python itself.
//
//   {"squad2": bool, "parts": N, "threshold": T, "questions": [{"id", "answers": [text, ...], "context", "odds"}, ...]}
//       each question's best answer is its whole context (none where that is empty), `odds` below "no answer"
//       -> {"scores": {name: value}, "official": {id: text}, "answers": {id: text}, "chosen": {"exact", "f1"}}
//   {"lower": text, "normalize": [text, ...]}  -> {"lower": text, "normalize": [[word, ...], ...]}
//   {"characters": [first, last]}              -> [[is a word character, is space, lower case], ...], one a code point
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "berth/kit/json.h"
#include "plugins/qa/example.h"
#include "plugins/qa/metric.h"
#include "plugins/qa/normalize.h"
#include "plugins/qa/prediction.h"
#include "plugins/qa/thresholds.h"
#include "plugins/qa/unicode.h"

namespace {

using namespace berth::qa;
using berth::kit::Json;

void add(berth::Metric& metric, const Json& question, bool is_squad2, double threshold) {
  QaExample example;
  example.id = question.at("id").as_string();
  example.context = std::make_shared<const std::string>(question.at("context").as_string());
  example.answers.emplace();
  for (const Json& answer : question.at("answers").as_array()) example.answers->push_back({answer.as_string(), {}});
  std::vector<Candidate> candidates;
  if (!example.context->empty()) candidates.push_back({{0, static_cast<std::uint32_t>(example.context->size())}, 0});
  std::optional<NoAnswer> no_answer;
  if (is_squad2) no_answer = NoAnswer{question.at("odds").as_double(), threshold};
  metric.add(example, QaPrediction(*example.context, candidates, no_answer));
}

Json scores_of(const Json& one) {
  const bool is_squad2 = one.at("squad2").as_bool();
  const MetricOptions options = {is_squad2 ? Rules::kSquad2 : Rules::kSquad1, "f1"};
  const auto parts = static_cast<std::size_t>(one.at("parts").as_int());
  const Json::Array& questions = one.at("questions").as_array();
  // Several processes' parts, put together.
  QaMetric whole(options);
  for (std::size_t p = 0; p < parts; ++p) {
    QaMetric part(options);
    for (std::size_t i = questions.size() * p / parts; i < questions.size() * (p + 1) / parts; ++i) {
      add(part, questions[i], is_squad2, one.at("threshold").as_double());
    }
    whole.merge(part.state());
  }
  Json scores;
  for (const berth::Score& score : whole.result()) scores.set(score.name, score.value);
  Json result;
  result.set("scores", scores);
  for (const berth::ResultFile& file : whole.files()) {
    result.set(file.suffix.substr(0, file.suffix.find('.')), berth::kit::parse_json(file.text));
  }
  if (is_squad2) {
    Json chosen;
    chosen.set("exact", choose_threshold(whole.judged_exact()));
    chosen.set("f1", choose_threshold(whole.judged_f1()));
    result.set("chosen", chosen);
  }
  return result;
}

Json texts_of(const Json& one) {
  Json result;
  result.set("lower", encode_utf8(to_lower(decode_utf8(one.at("lower").as_string()))));
  Json::Array normalized;
  for (const Json& text : one.at("normalize").as_array()) {
    const Words words = normalize(text.as_string());
    normalized.emplace_back(Json::Array(words.begin(), words.end()));
  }
  result.set("normalize", normalized);
  return result;
}

Json characters_of(const Json::Array& range) {
  Json::Array result;
  for (std::int64_t c = range.at(0).as_int(); c <= range.at(1).as_int(); ++c) {
    const auto character = static_cast<char32_t>(c);
    if (c >= 0xD800 && c < 0xE000) continue;
    result.emplace_back(Json::Array{is_word_character(character), is_space(character),
                                    encode_utf8(to_lower(std::u32string(1, character)))});
  }
  return result;
}

Json answer(const Json& one) {
  if (one.find("questions") != nullptr) return scores_of(one);
  if (const Json* range = one.find("characters")) return characters_of(range->as_array());
  return texts_of(one);
}

}  // namespace

int main() {
  std::string line;
  try {
    while (std::getline(std::cin, line))
      std::cout << berth::kit::dump_json(answer(berth::kit::parse_json(line))) << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
  return 0;
}

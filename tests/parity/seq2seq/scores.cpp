// Reads cases as JSON lines from standard input and writes a line of scores for each; compare_scores.py holds them
// against sacrebleu and rouge-score. A case: {"pairs": [[reference, answer], ...], "parts": 2, "tokenizer": "13a",
// "stemmer": false} or {"stem": ["words", ...]}.
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "berth/kit/json.h"
#include "plugins/seq2seq/example.h"
#include "plugins/seq2seq/metric.h"
#include "plugins/seq2seq/porter.h"
#include "plugins/seq2seq/prediction.h"

namespace {

using berth::kit::Json;

Json stems_of(const Json& words) {
  Json::Array stems;
  for (const Json& word : words.as_array()) stems.emplace_back(berth::seq2seq::porter_stem(word.as_string()));
  return Json(std::move(stems));
}

// Counted in parts that are merged in the end, as several processes would.
Json scores_of(const Json& one) {
  using namespace berth::seq2seq;
  MetricOptions options;
  options.bleu = one.at("tokenizer").as_string() == "13a" ? BleuTokenizer::k13a : BleuTokenizer::kNone;
  options.rouge = one.at("stemmer").as_bool() ? Stemming::kPorter : Stemming::kNone;
  std::vector<std::unique_ptr<berth::Metric>> parts;
  for (std::int64_t i = 0; i < one.at("parts").as_int(); ++i) parts.push_back(make_seq2seq_metric(options));
  const Seq2SeqExample example(berth::kit::parse_record("{}", {}));
  std::size_t i = 0;
  for (const Json& pair : one.at("pairs").as_array()) {
    Answer answer;
    answer.reference = pair.as_array().at(0).as_string();
    answer.text = pair.as_array().at(1).as_string();
    parts[i++ % parts.size()]->add(example, Seq2SeqPrediction(answer));
  }
  for (std::size_t k = 1; k < parts.size(); ++k) parts.front()->merge(parts[k]->state());
  Json scores;
  for (const berth::Score& score : parts.front()->result()) scores.set(score.name, score.value);
  return scores;
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const Json one = berth::kit::parse_json(line);
    const Json* words = one.find("stem");
    std::cout << berth::kit::dump_json(words != nullptr ? stems_of(*words) : scores_of(one)) << "\n";
  }
  return 0;
}

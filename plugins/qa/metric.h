// Exact match and F1 as the official SQuAD scripts compute them; fractions of one, where the scripts print percent.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "berth/metric.h"
#include "normalize.h"
#include "thresholds.h"

namespace berth::qa {

struct MetricOptions {
  Rules rules = Rules::kSquad1;  // kSquad2: questions may have no answer
  std::string primary = "f1";    // one of score_names()
};

// kSquad1: exact, f1. kSquad2: these of the predictions, has_ans_ and no_ans_ for questions with and without an answer
// (NaN where there are none), and best_exact, best_f1 with their thresholds: what the best threshold would give.
std::vector<std::string> score_names(Rules rules);

class QaMetric final : public Metric {
 public:
  explicit QaMetric(MetricOptions options) : options_(std::move(options)) {}

  // Throws Error kContent where the example's answers are not known, and under kSquad1 where it has none.
  void add(const Example& example, const Prediction& prediction) override;
  std::string state() const override;
  void merge(std::string_view state) override;
  std::vector<Score> result() const override;

  // official.json: {id: prediction}. kSquad2 has null_odds.json, and answers.json with each question's best answer:
  //   evaluate-v2.0.py DATA.json official.json
  //   evaluate-v2.0.py DATA.json answers.json --na-prob-file null_odds.json
  // print what result() has, the second line's best_exact and best_f1.
  std::vector<ResultFile> files() const override;

  // The questions with their best answers' exact match, or F1, for choosing a threshold.
  std::vector<Judged> judged_exact() const;
  std::vector<Judged> judged_f1() const;

 private:
  struct Entry {
    std::string id;
    std::string prediction;
    std::string best_answer;
    double null_odds = 0;
    bool has_answer = false;
    AnswerScores scores;       // of the prediction
    AnswerScores best_scores;  // of the best answer
  };

  static Judged judged(const Entry& entry, double score);
  void append_squad2(std::vector<Score>& scores) const;

  MetricOptions options_;
  std::vector<Entry> entries_;
};

}  // namespace berth::qa

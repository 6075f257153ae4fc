#include "metric.h"

#include <limits>
#include <set>
#include <string>
#include <utility>

#include "berth/error.h"
#include "berth/kit/json.h"
#include "example.h"
#include "prediction.h"

namespace berth::qa {
namespace {

// Adds up in the order of adding, as the scripts do.
class Mean {
 public:
  void add(const AnswerScores& scores) {
    exact_ += scores.exact;
    f1_ += scores.f1;
    ++count_;
  }
  void append(std::vector<Score>& scores, const std::string& prefix) const {
    const double n = count_ > 0 ? static_cast<double>(count_) : std::numeric_limits<double>::quiet_NaN();
    scores.push_back({prefix + "exact", exact_ / n});
    scores.push_back({prefix + "f1", f1_ / n});
  }

 private:
  double exact_ = 0;
  double f1_ = 0;
  std::int64_t count_ = 0;
};

const std::vector<Answer>& checked_answers(const QaExample& example, Rules rules) {
  if (!example.answers) {
    throw Error(ErrorKind::kContent, example.where, name_of(example) + " has no answers to be scored by; add them");
  }
  if (rules == Rules::kSquad1 && example.answers->empty()) {
    throw Error(ErrorKind::kContent, example.where,
                name_of(example) +
                    " has no answer, but the task gives one to every question; set no_answer = \"yes\" in "
                    "the task's options and train it on such questions, or leave this one out");
  }
  return *example.answers;
}

std::vector<std::string> texts_of(const std::vector<Answer>& answers) {
  std::vector<std::string> texts;
  texts.reserve(answers.size());
  for (const Answer& answer : answers) texts.push_back(answer.text);
  return texts;
}

kit::Json pair(const AnswerScores& scores) { return kit::Json::Array{scores.exact, scores.f1}; }

AnswerScores scores_of(const kit::Json& pair) {
  return {pair.as_array().at(0).as_double(), pair.as_array().at(1).as_double()};
}

}  // namespace

std::vector<std::string> score_names(Rules rules) {
  std::vector<std::string> names;
  for (const Score& score : QaMetric({rules, ""}).result()) names.push_back(score.name);
  return names;
}

void QaMetric::add(const Example& example, const Prediction& prediction) {
  const auto& own = static_cast<const QaExample&>(example);
  const auto& answer = static_cast<const QaPrediction&>(prediction);
  const std::vector<std::string> truths = texts_of(checked_answers(own, options_.rules));
  Entry entry;
  entry.id = own.id;
  entry.prediction = answer.text();
  entry.best_answer = answer.best_text();
  entry.null_odds = answer.null_odds();
  entry.has_answer = !truths.empty();
  entry.scores = score_answer(entry.prediction, truths, options_.rules);
  entry.best_scores =
      entry.best_answer == entry.prediction ? entry.scores : score_answer(entry.best_answer, truths, options_.rules);
  entries_.push_back(std::move(entry));
}

std::string QaMetric::state() const {
  kit::Json::Array list;
  for (const Entry& e : entries_) {
    list.emplace_back(kit::Json::Array{e.id, e.prediction, e.best_answer, e.null_odds, e.has_answer, pair(e.scores),
                                       pair(e.best_scores)});
  }
  return kit::dump_json(list);
}

void QaMetric::merge(std::string_view state) {
  const kit::Json list = kit::parse_json(state, {}, {std::size_t{1} << 30});
  for (const kit::Json& one : list.as_array()) {
    const kit::Json::Array& e = one.as_array();
    if (e.size() != 7) throw Error(ErrorKind::kContent, "this is no state of the qa metric: an entry has no 7 fields");
    entries_.push_back({e[0].as_string(), e[1].as_string(), e[2].as_string(), e[3].as_double(), e[4].as_bool(),
                        scores_of(e[5]), scores_of(e[6])});
  }
}

std::vector<Score> QaMetric::result() const {
  std::vector<Score> scores;
  Mean all;
  for (const Entry& entry : entries_) all.add(entry.scores);
  all.append(scores, "");
  if (options_.rules == Rules::kSquad2) append_squad2(scores);
  for (Score& score : scores) score.is_primary = score.name == options_.primary;
  return scores;
}

void QaMetric::append_squad2(std::vector<Score>& scores) const {
  Mean with;
  Mean without;
  for (const Entry& entry : entries_) (entry.has_answer ? with : without).add(entry.scores);
  with.append(scores, "has_ans_");
  without.append(scores, "no_ans_");
  const BestThreshold exact = official_best_threshold(judged_exact());
  const BestThreshold f1 = official_best_threshold(judged_f1());
  scores.push_back({"best_exact", exact.score});
  scores.push_back({"best_exact_thresh", exact.threshold});
  scores.push_back({"best_f1", f1.score});
  scores.push_back({"best_f1_thresh", f1.threshold});
}

std::vector<ResultFile> QaMetric::files() const {
  kit::Json::Object predictions;
  kit::Json::Object answers;
  kit::Json::Object odds;
  std::set<std::string> taken;
  for (const Entry& entry : entries_) {
    std::string id = entry.id;  // distinct within a file; of a set of several files, perhaps not
    for (int n = 2; !taken.insert(id).second; ++n) id.assign(entry.id).append("#").append(std::to_string(n));
    predictions.push_back({id, entry.prediction});
    answers.push_back({id, entry.best_answer});
    odds.push_back({id, entry.null_odds});
  }
  std::vector<ResultFile> files = {{"official.json", kit::dump_json(std::move(predictions)) + "\n"}};
  if (options_.rules == Rules::kSquad2) {
    files.push_back({"answers.json", kit::dump_json(std::move(answers)) + "\n"});
    files.push_back({"null_odds.json", kit::dump_json(std::move(odds)) + "\n"});
  }
  return files;
}

Judged QaMetric::judged(const Entry& entry, double score) {
  return {entry.null_odds, score, entry.has_answer, !entry.best_answer.empty()};
}

std::vector<Judged> QaMetric::judged_exact() const {
  std::vector<Judged> result;
  for (const Entry& entry : entries_) result.push_back(judged(entry, entry.best_scores.exact));
  return result;
}

std::vector<Judged> QaMetric::judged_f1() const {
  std::vector<Judged> result;
  for (const Entry& entry : entries_) result.push_back(judged(entry, entry.best_scores.f1));
  return result;
}

}  // namespace berth::qa

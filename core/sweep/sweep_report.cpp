#include "core/sweep/sweep_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/report/text_table.h"

namespace berth::sweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kSeedsToCompareSpread = 3;

std::string four_digits(double value) { return std::isfinite(value) ? fmt::format("{:.4f}", value) : "-"; }

double goodness_of(const Row& row, bool is_lower_better) {
  if (std::isnan(row.mean)) return -std::numeric_limits<double>::infinity();
  return is_lower_better ? -row.mean : row.mean;
}

std::vector<Row> rows_of(const Search& search) {
  std::map<std::size_t, Row> rows;
  for (const auto& run : search.runs()) {
    if (!run.has_ended) continue;
    auto& row = rows[run.point];
    if (run.rung > row.rung) row = {};
    row.point = run.point;
    row.rung = run.rung;
    row.runs.push_back(&run);
  }
  std::vector<Row> result;
  for (auto& [point, row] : rows) {
    for (const auto* run : row.runs) {
      if (run->outcome.score) row.scores.push_back(*run->outcome.score);
      if (!run->outcome.failure.empty()) ++row.failed;
    }
    row.mean = statistics::mean(row.scores);
    row.deviation = statistics::deviation(row.scores);
    row.interval = statistics::t_interval(row.scores);
    result.push_back(std::move(row));
  }
  return result;
}

// A score of the lowest rung with what its run had of a setting.
struct Observation {
  std::string text;
  double number;
  double score;
};

statistics::Groups by_text(const std::vector<Observation>& observations) {
  std::map<std::string, std::vector<double>> groups;
  for (const auto& one : observations) groups[one.text].push_back(one.score);
  statistics::Groups result;
  for (auto& [text, scores] : groups) result.push_back(std::move(scores));
  return result;
}

// Drawn numbers hardly repeat: neighbours go together, two to five groups of them.
statistics::Groups by_size(const std::vector<Observation>& observations) {
  std::vector<double> numbers;
  numbers.reserve(observations.size());
  for (const auto& one : observations) numbers.push_back(one.number);
  const auto count = std::clamp<std::size_t>(observations.size() / 5, 2, 5);
  const auto bins = statistics::quantile_bins(numbers, count);
  std::map<std::size_t, std::vector<double>> groups;
  for (std::size_t i = 0; i < bins.size(); ++i) groups[bins[i]].push_back(observations[i].score);
  statistics::Groups result;
  for (auto& [bin, scores] : groups) result.push_back(std::move(scores));
  return result;
}

std::vector<const Run*> scored_on_lowest_rung(const Search& search) {
  std::vector<const Run*> runs;
  for (const auto& run : search.runs()) {
    if (run.rung == 0 && run.has_ended && run.outcome.score) runs.push_back(&run);
  }
  return runs;
}

std::vector<Importance> importance_of(const Search& search) {
  const auto runs = scored_on_lowest_rung(search);
  const auto& settings = search.space().config.settings;
  std::vector<Importance> result;
  const auto add = [&](const std::string& name, const statistics::Groups& groups) {
    if (groups.size() > 1) result.push_back({name, statistics::main_effect(groups)});
  };
  for (std::size_t i = 0; i < settings.size(); ++i) {
    std::vector<Observation> observations;
    observations.reserve(runs.size());
    for (const auto* run : runs) {
      const auto& choice = search.space().points[run->point][i];
      observations.push_back({choice.text, choice.number, *run->outcome.score});
    }
    const bool is_drawn = settings[i].range && settings[i].range->count == 0;
    add(settings[i].name, is_drawn ? by_size(observations) : by_text(observations));
  }
  std::vector<Observation> by_seed;
  by_seed.reserve(runs.size());
  for (const auto* run : runs) by_seed.push_back({std::to_string(run->seed), kNaN, *run->outcome.score});
  add("training.seed", by_text(by_seed));
  std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) {
    return a.effect.eta_squared > b.effect.eta_squared ||
           (std::isnan(b.effect.eta_squared) && !std::isnan(a.effect.eta_squared));
  });
  return result;
}

statistics::Test levene_of(const Search& search) {
  std::map<std::size_t, std::vector<double>> by_point;
  for (const auto* run : scored_on_lowest_rung(search)) by_point[run->point].push_back(*run->outcome.score);
  statistics::Groups groups;
  for (auto& [point, scores] : by_point) {
    if (scores.size() >= kSeedsToCompareSpread) groups.push_back(std::move(scores));
  }
  return statistics::levene(groups);
}

std::string share_text(const Search& search, std::size_t rung) {
  return fmt::format("{:.3g}", search.training_share(rung));
}

// "0.8123 +- 0.0040".
std::string spread_text(const Row& row) {
  if (row.scores.size() < 2) return four_digits(row.mean);
  return fmt::format("{:.4f} +- {:.4f}", row.mean, row.deviation);
}

std::string interval_text(const statistics::Interval& interval) {
  if (!std::isfinite(interval.low)) return "-";
  return fmt::format("{:.4f} to {:.4f}", interval.low, interval.high);
}

std::string scores_table(const SweepReport& report, const Search& search) {
  const bool has_rungs = search.rungs() > 1;
  std::vector<std::vector<std::string>> table(1);
  for (const auto& setting : search.space().config.settings) table[0].push_back(setting.name);
  if (has_rungs) table[0].emplace_back("share of training");
  for (const auto* name : {"runs", "score", "95% interval", "failed"}) table[0].emplace_back(name);
  for (const auto& row : report.rows) {
    std::vector<std::string> cells;
    for (const auto& choice : search.space().points[row.point]) cells.push_back(choice.text);
    if (has_rungs) cells.push_back(share_text(search, row.rung));
    cells.insert(cells.end(), {std::to_string(row.runs.size()), spread_text(row), interval_text(row.interval),
                               row.failed == 0 ? "" : std::to_string(row.failed)});
    table.push_back(std::move(cells));
  }
  return report::text_table(table);
}

std::string importance_table(const SweepReport& report) {
  std::vector<std::vector<std::string>> table = {{"setting", "share of variance explained", "p"}};
  for (const auto& one : report.importance) {
    table.push_back({one.setting, four_digits(one.effect.eta_squared), four_digits(one.effect.test.p)});
  }
  return report::text_table(table);
}

std::string failures_text(const Search& search) {
  std::string text;
  for (const auto& run : search.runs()) {
    if (!run.has_ended || run.outcome.failure.empty()) continue;
    text += fmt::format("  {}: {}; trials/{}.log\n", run.trial.title, run.outcome.failure, run.trial.id);
  }
  return text.empty() ? text : "failed runs\n" + text;
}

Json row_json(const Row& row, const Search& search) {
  Json json;
  json["settings"] = Json::object();
  const auto& settings = search.space().config.settings;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    json["settings"][settings[i].name] = search.space().points[row.point][i].text;
  }
  json["training_share"] = search.training_share(row.rung);
  json["mean"] = row.mean;
  json["deviation"] = row.deviation;
  json["interval"] = {row.interval.low, row.interval.high};
  json["failed"] = row.failed;
  for (const auto* run : row.runs) {
    json["runs"].push_back({{"seed", run->seed},
                            {"score", run->outcome.score.value_or(kNaN)},
                            {"failure", run->outcome.failure.empty() ? Json(nullptr) : Json(run->outcome.failure)},
                            {"training_seconds", run->outcome.seconds},
                            {"folder", "trials/" + run->trial.id}});
  }
  return json;
}

// A field of CSV (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

SweepReport report_on(const Search& search) {
  SweepReport report;
  report.rows = rows_of(search);
  for (const auto& run : search.runs()) report.is_lower_better = report.is_lower_better || run.outcome.is_lower_better;
  const bool is_lower_better = report.is_lower_better;
  std::stable_sort(report.rows.begin(), report.rows.end(), [&](const Row& a, const Row& b) {
    return std::pair(a.rung, goodness_of(a, is_lower_better)) > std::pair(b.rung, goodness_of(b, is_lower_better));
  });
  report.importance = importance_of(search);
  report.levene = levene_of(search);
  return report;
}

std::string to_text(const SweepReport& report, const Search& search) {
  auto text = scores_table(report, search);
  if (report.is_lower_better) text += "A lower score is better.\n";
  if (!report.importance.empty()) text += "\n" + importance_table(report);
  if (std::isfinite(report.levene.p)) {
    text += fmt::format("\nequal spread over seeds (Levene): W {:.3f}, p {:.4f}\n", report.levene.statistic,
                        report.levene.p);
  }
  if (const auto failures = failures_text(search); !failures.empty()) text += "\n" + failures;
  return text;
}

std::string to_json(const SweepReport& report, const Search& search) {
  static constexpr const char* kSearches[] = {"grid", "random", "halving"};
  const auto& config = search.space().config;
  Json json;
  json["suite"] = search.space().suites.front().name;
  json["search"] = kSearches[static_cast<int>(config.search)];
  json["score"] = config.score;
  if (report.is_lower_better) json["lower_is_better"] = true;
  json["rows"] = Json::array();
  for (const auto& row : report.rows) json["rows"].push_back(row_json(row, search));
  json["importance"] = Json::array();
  for (const auto& one : report.importance) {
    json["importance"].push_back({{"setting", one.setting},
                                  {"eta_squared", one.effect.eta_squared},
                                  {"f", one.effect.test.statistic},
                                  {"p", one.effect.test.p}});
  }
  json["levene"] = {{"statistic", report.levene.statistic}, {"p", report.levene.p}};
  json["best"] = search.best() == nullptr ? Json(nullptr) : Json("trials/" + search.best()->trial.id);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string to_csv(const Search& search) {
  std::string text;
  for (const auto& setting : search.space().config.settings) text += csv_field(setting.name) + ",";
  text += "seed,training_share,score,failure,training_seconds,folder\n";
  for (const auto& run : search.runs()) {
    if (!run.has_ended) continue;
    for (const auto& choice : search.space().points[run.point]) text += csv_field(choice.text) + ",";
    text += fmt::format("{},{:.6g},{},{},{:.3f},trials/{}\n", run.seed, search.training_share(run.rung),
                        run.outcome.score ? fmt::format("{}", *run.outcome.score) : "", csv_field(run.outcome.failure),
                        run.outcome.seconds, run.trial.id);
  }
  return text;
}

}  // namespace berth::sweep

#include "core/sweep/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/checkpoint/run_checkpoint.h"
#include "core/data/named_set.h"
#include "core/evaluation/kept_predictions.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"
#include "core/statistics/resampling.h"
#include "core/text/load_tokenizer.h"
#include "core/training/random.h"
#include "core/training/session.h"

namespace berth::sweep {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// One task by itself, with nothing left of what it had to do with the others.
suite::Suite alone(const suite::Suite& suite, std::size_t domain, std::int64_t seed) {
  auto own = suite;
  own.tasks = {suite.tasks[domain]};
  own.mixing = {};
  own.evaluation.select_by = "mean";
  own.evaluation.before = true;
  own.analysis.at_end = false;
  own.training.seed = seed;
  return own;
}

// What the scores of a run depend on besides the run: the domains' sets, and how they are resampled.
std::string key_of(const MatrixSite& site) {
  auto same = site.suite;
  same.training.threads = 0;
  const auto text = fmt::format("{}\n{}\n{}", suite::to_toml(same), site.options.set, site.options.resamples);
  return fmt::format("{:016x}", training::hash_name(text));
}

Json to_json(const CellScore& cell) {
  Json resampled = Json::array();
  for (const double score : cell.resampled) resampled.push_back(score);
  return {{"score", cell.name},
          {"value", cell.value},
          {"lower_is_better", cell.is_lower_better},
          {"examples", cell.examples},
          {"resampled", std::move(resampled)}};
}

CellScore from_json(const Json& json) {
  const auto number = [](const Json& value) { return value.is_null() ? kNaN : value.get<double>(); };
  CellScore cell;
  cell.name = json.at("score").get<std::string>();
  cell.value = number(json.at("value"));
  cell.is_lower_better = json.at("lower_is_better").get<bool>();
  cell.examples = json.at("examples").get<std::int64_t>();
  for (const auto& score : json.at("resampled")) cell.resampled.push_back(number(score));
  return cell;
}

// Nothing where there is no file, one of another suite, or one that is cut off.
std::vector<CellScore> read_cells(const std::filesystem::path& file, const std::string& key) {
  try {
    const auto json = model::parse_ordered_json(model::read_text(file), file.string());
    if (json.at("key") != key) return {};
    std::vector<CellScore> cells;
    for (const auto& cell : json.at("cells")) cells.push_back(from_json(cell));
    return cells;
  } catch (const std::exception&) {
    return {};
  }
}

CellScore score_on(const MatrixSite& site, const training::Session& session, training::TaskSession& task,
                   const suite::TaskConfig& domain) {
  const auto seed = static_cast<std::uint64_t>(session.suite.training.seed);
  const auto data = data::read_named_set(task.task, {domain, site.options.set, seed}, session.feature_options());
  auto options = session.evaluation_options();
  options.wants_stop = site.wants_stop;
  const evaluation::KeptPredictions predictions(session.model_of(task), data, options);
  const auto primary = predictions.primary();
  statistics::ResamplingOptions resampling;
  resampling.resamples = site.options.resamples;
  return {primary.value, primary.name, primary.direction == Direction::kLowerIsBetter, data.example_count,
          statistics::bootstrap_scores(
              predictions.size(), [&](const auto& picks) { return predictions.score(picks); }, resampling)};
}

// The mean over seeds of each resample; the seeds drew the same examples.
std::vector<double> mean_of_resamples(const std::vector<const CellScore*>& cells) {
  std::vector<double> means;
  for (std::size_t i = 0; i < cells.front()->resampled.size(); ++i) {
    double sum = 0;
    for (const auto* cell : cells) sum += i < cell->resampled.size() ? cell->resampled[i] : kNaN;
    means.push_back(sum / static_cast<double>(cells.size()));
  }
  return means;
}

MatrixCell make_cell(const std::vector<const CellScore*>& seeds) {
  MatrixCell cell;
  for (const auto* seed : seeds) cell.scores.push_back(seed->value);
  cell.mean = statistics::mean(cell.scores);
  cell.deviation = statistics::deviation(cell.scores);
  cell.over_seeds = statistics::t_interval(cell.scores);
  cell.over_examples =
      seeds.empty() ? statistics::Interval{kNaN, kNaN} : statistics::percentile_interval(mean_of_resamples(seeds));
  return cell;
}

}  // namespace

void check_domains(const suite::Suite& suite, const MatrixOptions& options) {
  if (suite.tasks.size() < 2) {
    throw Error(ErrorKind::kConfig, suite.tasks.front().where,
                "a matrix needs two tasks or more, each a domain; add [tasks.NAME] of the same plugin");
  }
  for (const auto& task : suite.tasks) {
    const auto& first = suite.tasks.front();
    if (task.plugin != first.plugin) {
      throw Error(
          ErrorKind::kConfig, task.plugin_where,
          fmt::format("tasks.{} has the plugin {}, but tasks.{} has {}; the domains of a matrix are tasks of one "
                      "plugin",
                      task.name, task.plugin, first.name, first.plugin));
    }
    if (!task.train) {
      throw Error(ErrorKind::kConfig, task.where,
                  fmt::format("tasks.{} has no training set; add train = \"FILE\"", task.name));
    }
    if (options.set == "dev" && task.split > 0) continue;
    data::find_set(task, options.set);
  }
}

void check_labels(const suite::Suite& suite, const MatrixOptions& options, const plugin::Registry& registry) {
  const auto tokenizer = text::load_tokenizer(checkpoint::model_folder(suite.model.path));
  const data::FeatureOptions features{*tokenizer, suite.model.max_length, at::kFloat};
  const auto seed = static_cast<std::uint64_t>(options.seeds.front());
  for (const auto& trained : suite.tasks) {
    plugin::LoadedTask task(registry, trained);
    task.use_tokenizer(*tokenizer);
    data::fit(task, *trained.train, data::split_off(task, seed));
    for (const auto& tested : suite.tasks) {
      try {
        data::read_named_set(task, {tested, options.set, seed}, features);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kContent) throw;
        throw Error(ErrorKind::kContent, fmt::format("a model of tasks.{} can't be tested on tasks.{}: {}",
                                                     trained.name, tested.name, error.what()));
      }
    }
  }
}

MatrixQueue::MatrixQueue(const suite::Suite& suite, const MatrixOptions& options, Told told) : told_(std::move(told)) {
  for (std::size_t domain = 0; domain < suite.tasks.size(); ++domain) {
    for (const auto seed : options.seeds) {
      auto title = "trained on " + suite.tasks[domain].name;
      if (options.seeds.size() > 1) title += fmt::format(", seed {}", seed);
      runs_.push_back({domain, seed, make_trial(alone(suite, domain, seed), std::move(title)), false, ""});
    }
  }
}

std::optional<Trial> MatrixQueue::next() {
  return next_ < runs_.size() ? std::optional(runs_[next_++].trial) : std::nullopt;
}

void MatrixQueue::ended(const Trial& trial, const Ending& ending) {
  const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const MatrixRun& r) { return r.trial.id == trial.id; });
  run->has_ended = true;
  if (ending.code != 0) run->failure = fmt::format("exit code {}: {}", ending.code, ending.message);
  told_(*run, ending);
}

std::vector<CellScore> cell_scores(const MatrixSite& site, const MatrixRun& run) {
  const TrialFolder folder(site.folder, run.trial.id);
  const auto file = folder.file(".cells.json");
  const auto key = key_of(site);
  if (auto known = read_cells(file, key); known.size() == site.suite.tasks.size()) return known;
  const auto trained = report::RunFolder::open(folder.run());
  const auto& name = site.suite.tasks[run.domain].name;
  auto session = training::open_session(suite::read_suite(trained.suite_file(), {}), site.registry,
                                        trained.checkpoint("best", name), name);
  std::vector<CellScore> cells;
  Json json = {{"key", key}, {"cells", Json::array()}};
  for (const auto& domain : site.suite.tasks) {
    cells.push_back(score_on(site, session, session.tasks.front(), domain));
    json["cells"].push_back(to_json(cells.back()));
  }
  platform::write_text(file, json.dump() + "\n");
  return cells;
}

Matrix make_matrix(const suite::Suite& suite, const MatrixOptions& options, const std::deque<MatrixRun>& runs,
                   const std::vector<std::vector<CellScore>>& scores) {
  Matrix matrix;
  matrix.set = options.set;
  for (const auto& task : suite.tasks) matrix.domains.push_back(task.name);
  for (std::size_t trained = 0; trained < matrix.domains.size(); ++trained) {
    auto& row = matrix.cells.emplace_back();
    for (std::size_t tested = 0; tested < matrix.domains.size(); ++tested) {
      std::vector<const CellScore*> seeds;
      for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].domain != trained || scores[i].empty()) continue;
        seeds.push_back(&scores[i][tested]);
        matrix.score = seeds.back()->name;
        matrix.is_lower_better = seeds.back()->is_lower_better;
      }
      row.push_back(make_cell(seeds));
    }
  }
  return matrix;
}

}  // namespace berth::sweep

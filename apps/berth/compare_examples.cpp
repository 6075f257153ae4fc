#include "apps/berth/compare_examples.h"

#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/berth/trained_run.h"
#include "core/data/named_set.h"
#include "core/evaluation/kept_predictions.h"
#include "core/statistics/resampling.h"

namespace berth::app {
namespace po = boost::program_options;
namespace {

using Json = nlohmann::ordered_json;

// A run with its answers to a set of its own. Stays where it is: the answers refer to the session and the data.
class Answered {
 public:
  Answered(const TrainedRun& run, const std::string& task, const std::string& set)
      : session_(run.open(task)),
        data_(data::read_named_set(loaded(), {loaded().config(), set, seed()}, session_.feature_options())),
        predictions_(session_.model_of(session_.tasks.front()), data_, session_.evaluation_options()) {}
  Answered(const Answered&) = delete;
  Answered& operator=(const Answered&) = delete;

  const evaluation::KeptPredictions& predictions() const { return predictions_; }

 private:
  const plugin::LoadedTask& loaded() const { return session_.tasks.front().task; }
  std::uint64_t seed() const { return static_cast<std::uint64_t>(session_.suite.training.seed); }

  training::Session session_;
  data::TaskData data_;
  evaluation::KeptPredictions predictions_;
};

// --task, or the one task that both runs have.
std::string task_of(const po::variables_map& values, const TrainedRun& first, const TrainedRun& second) {
  if (values.contains("task")) return values["task"].as<std::string>();
  std::vector<std::string> shared;
  for (const auto& a : first.suite.tasks) {
    for (const auto& b : second.suite.tasks) {
      if (a.name == b.name) shared.push_back(a.name);
    }
  }
  if (shared.size() == 1) return shared.front();
  throw Error(ErrorKind::kConfig,
              fmt::format("the runs have {} tasks in common; name the one to compare with --task NAME",
                          shared.empty() ? "no" : "several"));
}

void check_same_examples(const evaluation::KeptPredictions& first, const evaluation::KeptPredictions& second) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorKind::kConfig, fmt::format("the runs' sets differ: {}; compare runs on the same file, or name "
                                                "another set with --on",
                                                what));
  };
  if (first.size() != second.size()) refuse(fmt::format("{} and {} examples", first.size(), second.size()));
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first.json(i) == second.json(i)) continue;
    refuse(
        fmt::format("{}one is not {}the other", to_string(first.example(i).where), to_string(second.example(i).where)));
  }
  if (const auto a = first.primary().name, b = second.primary().name; a != b) {
    refuse(fmt::format("one is scored by {}, the other by {}", a, b));
  }
}

struct ComparedRun {
  std::string name;
  double value = 0;
  statistics::Interval interval = {};
};

struct Comparison {
  std::string task, set;
  Score score;
  std::size_t examples = 0;
  std::vector<ComparedRun> runs;
  statistics::Difference difference = {};
  double p_exchanged = 0;
};

std::string interval_text(const statistics::Interval& interval) {
  return fmt::format("95% interval {:.4f} to {:.4f}", interval.low, interval.high);
}

void print(const Comparison& c) {
  fmt::print("{} on {}: {}{}, {} examples\n", c.task, c.set, c.score.name,
             c.score.direction == Direction::kLowerIsBetter ? " (lower is better)" : "", c.examples);
  for (const auto& run : c.runs) fmt::print("  {:<24} {:.4f}  {}\n", run.name, run.value, interval_text(run.interval));
  fmt::print("  {:<24} {:+.4f}  {}\n", "difference", c.difference.value, interval_text(c.difference.interval));
  fmt::print("p {:.4f} by the paired bootstrap, {:.4f} by approximate randomisation\n", c.difference.p, c.p_exchanged);
}

Json to_json(const Comparison& c) {
  const auto interval = [](const statistics::Interval& i) { return Json::array({i.low, i.high}); };
  Json json = {{"task", c.task}, {"set", c.set}, {"score", c.score.name}, {"examples", c.examples}};
  if (c.score.direction == Direction::kLowerIsBetter) json["lower_is_better"] = true;
  for (const auto& run : c.runs) {
    json["runs"].push_back(Json{{"run", run.name}, {"value", run.value}, {"interval", interval(run.interval)}});
  }
  json["difference"] = {{"value", c.difference.value},
                        {"interval", interval(c.difference.interval)},
                        {"p", c.difference.p},
                        {"p_exchanged", c.p_exchanged}};
  return json;
}

}  // namespace

void add_compare_options(po::options_description& options) {
  options.add_options()(
      "resamples", po::value<std::int64_t>()->value_name("N"),
      "two runs, example by example: whether they differ by more than chance, from so many resamples")(
      "task", po::value<std::string>()->value_name("NAME"), "with --resamples: the task (default: the one they share)")(
      "on", po::value<std::string>()->default_value("dev")->value_name("SET"),
      "with --resamples: dev, or one of [tasks.NAME.sets]");
  add_run_options(options);
}

void compare_examples(const po::variables_map& values, const Arguments& runs) {
  statistics::ResamplingOptions options;
  options.resamples = values["resamples"].as<std::int64_t>();
  if (options.resamples < 1) throw Error(ErrorKind::kConfig, "--resamples must be at least 1");
  if (runs.size() != 2) {
    throw Error(ErrorKind::kConfig,
                fmt::format("--resamples compares two runs, but {} are given; name the two", runs.size()));
  }
  const auto first_run = open_run(values, runs[0]);
  const auto second_run = open_run(values, runs[1]);
  const auto task = task_of(values, first_run, second_run);
  const auto set = values["on"].as<std::string>();
  const Answered first(first_run, task, set);
  const Answered second(second_run, task, set);
  const auto& a = first.predictions();
  const auto& b = second.predictions();
  check_same_examples(a, b);

  Comparison found;
  found.task = task;
  found.set = set;
  found.score = a.primary();
  found.examples = a.size();
  for (const auto* answers : {&a, &b}) {
    const auto scores = statistics::bootstrap_scores(
        answers->size(), [&](const auto& p) { return answers->score(p); }, options);
    found.runs.push_back({runs[found.runs.size()], answers->primary().value, statistics::percentile_interval(scores)});
  }
  found.difference = statistics::paired_bootstrap(
      a.size(), [&](const auto& p) { return a.score(p); }, [&](const auto& p) { return b.score(p); }, options);
  // Exchanged: the first system has the second's answers, and the second the first's.
  found.p_exchanged = statistics::approximate_randomisation(
      a.size(),
      [&](const auto& is_exchanged) { return a.mixed_score(b, is_exchanged) - b.mixed_score(a, is_exchanged); },
      options);
  if (wants_json(values)) {
    print_json(to_json(found));
  } else {
    print(found);
  }
}

}  // namespace berth::app

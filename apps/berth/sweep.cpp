// berth sweep: which settings matter. Trains a suite with many settings and seeds, and says what came of it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/child_runs.h"
#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/suite_argument.h"
#include "core/platform/folder_lock.h"
#include "core/platform/whole_file.h"
#include "core/report/console.h"
#include "core/suite/option_binder.h"
#include "core/sweep/search.h"
#include "core/sweep/sweep_report.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage sweep_usage() {
  Usage usage;
  usage.line = "berth sweep SUITE.toml [options]";
  usage.summary =
      "Trains a suite once for each combination of settings and seeds that its [sweep] names, and reports which "
      "setting\n"
      "matters. The same command again goes on where it was stopped.";
  usage.examples =
      "  berth sweep suite.toml --jobs 2\n"
      "  berth sweep suite.toml --set sweep.search=random --set sweep.trials=30 --out sweeps/wide\n";
  add_suite_argument(usage);
  usage.options.add_options()("out", po::value<std::string>()->value_name("DIR"),
                              "the sweep's folder, new or of a sweep that goes on (default: sweeps/NAME)");
  add_json(usage.options);
  add_child_options(usage.options);
  return usage;
}

namespace {

// That a run will have the score that the sweep goes by.
void check_score(const suite::SweepConfig& config, const suite::Suite& suite) {
  std::vector<std::string> known;
  for (const auto& task : suite.tasks) {
    known.push_back(task.name);
    if (config.score != "mean" && config.score != task.name) continue;
    if (task.dev || task.split > 0) continue;
    throw Error(
        ErrorKind::kConfig, task.where,
        fmt::format("tasks.{}: [sweep] goes by the score on the dev set, but the task has none; give it 'dev' or "
                    "'split', or write score = \"TASK\" in [sweep] with another one",
                    task.name));
  }
  if (config.score == "mean" || std::find(known.begin(), known.end(), config.score) != known.end()) return;
  const auto nearest = suite::nearest_name(config.score, known);
  throw Error(
      ErrorKind::kConfig, config.score_where,
      fmt::format("[sweep]: 'score' is '{}', which is no task{}; expected \"mean\" or one of {}", config.score,
                  nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest), fmt::join(known, ", ")));
}

// A suite a point, checked as far as can be before anything is trained.
sweep::Space read_space(const po::variables_map& values, const std::string& file) {
  const auto sets = values.contains("set") ? values["set"].as<std::vector<std::string>>() : Arguments();
  sweep::Space space{suite::read_sweep(file, sets), {}, {}};
  space.points = sweep::points(space.config);
  const auto registry = find_plugins(values);
  for (const auto& point : space.points) {
    auto with = sets;
    const auto own = sweep::sets_of(point);
    with.insert(with.end(), own.begin(), own.end());
    space.suites.push_back(suite::read_suite(file, with));
    check_score(space.config, space.suites.back());
    check_before_running(space.suites.back(), registry);
  }
  return space;
}

// "optimizer.rate=2e-05 seed 1: 0.8333 (12.1 s)".
std::string describe(const sweep::Run& run, const sweep::Ending& ending) {
  std::string text = run.outcome.score ? fmt::format("{:.4f}", *run.outcome.score) : "no score";
  if (!run.outcome.failure.empty()) text += ", failed: " + run.outcome.failure;
  text +=
      ending.was_there_before ? " (there already)" : fmt::format(" ({})", report::format_duration(run.outcome.seconds));
  return run.trial.title + ": " + text;
}

// Returns what sweep.json says.
std::string write_report(const sweep::SweepReport& report, const sweep::Search& search, const fs::path& folder) {
  auto json = sweep::to_json(report, search);
  platform::write_text(folder / "sweep.json", json);
  platform::write_text(folder / "runs.csv", sweep::to_csv(search));
  platform::write_text(folder / "sweep.svg", sweep::to_svg(report, search));
  return json;
}

void print_report(const sweep::SweepReport& report, const sweep::Search& search, const fs::path& folder) {
  fmt::print("\n{}\n", sweep::to_text(report, search));
  if (const auto* best = search.best()) {
    fmt::print("best run: {}, {}\n", (folder / "trials" / best->trial.id).string(), best->trial.title);
  }
  fmt::print("written: sweep.json, runs.csv, sweep.svg in {}\n", folder.string());
}

}  // namespace

int sweep(const Arguments& arguments) {
  auto command = sweep_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto suite = read_suite_argument(*values, command);
  auto space = read_space(*values, (*values)["suite"].as<std::string>());
  const fs::path folder =
      values->contains("out") ? fs::path((*values)["out"].as<std::string>()) : fs::path("sweeps") / suite.name;
  const auto options = runner_options(*values, suite, folder);
  catch_interrupts();
  const platform::FolderLock lock(folder, platform::FolderLock::Heirs::kChildren);

  std::FILE* out = progress_stream(*values);
  std::size_t ended = 0;
  int first_failure = 0;
  const auto total = space.config.search == suite::Search::kHalving
                         ? 0
                         : space.points.size() * std::max<std::size_t>(1, space.config.seeds.size());
  sweep::Search search(std::move(space), folder, [&](const sweep::Run& run, const sweep::Ending& ending) {
    ++ended;
    if (first_failure == 0) first_failure = ending.code;
    fmt::print(out, "[{}{}] {}\n", ended, total == 0 ? "" : fmt::format("/{}", total), describe(run, ending));
    std::fflush(out);
  });
  const auto end = sweep::run_trials(search, options);
  const auto report = sweep::report_on(search);
  const auto json = write_report(report, search, folder);
  if (wants_json(*values)) {
    fmt::print("{}", json);
  } else {
    print_report(report, search, folder);
  }
  if (end == sweep::RunnerEnd::kStopped) {
    fmt::print(out, "interrupted; the same command goes on with what is left\n");
    return 128 + interrupted_by();
  }
  if (search.best() != nullptr) return 0;
  return first_failure != 0 ? first_failure : static_cast<int>(ErrorKind::kNumeric);
}

}  // namespace berth::app

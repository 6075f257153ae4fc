// berth matrix: whether results hold up elsewhere. Trains on each task's set alone, and tests on every other's.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <charconv>

#include "apps/berth/child_runs.h"
#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/suite_argument.h"
#include "core/evaluation/evaluator.h"
#include "core/platform/folder_lock.h"
#include "core/platform/whole_file.h"
#include "core/sweep/matrix.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage matrix_usage() {
  Usage usage;
  usage.line = "berth matrix SUITE.toml [options]";
  usage.summary =
      "Takes each task of a suite, all of one plugin, as a domain: trains on it alone, and tests on the sets of all.\n"
      "The same command again goes on where it was stopped.";
  usage.examples =
      "  berth matrix reviews.toml --seeds 1,2,3\n"
      "  berth matrix domains.toml --on test --jobs 2 --out matrices/domains\n";
  add_suite_argument(usage);
  usage.options.add_options()("on", po::value<std::string>()->default_value("dev")->value_name("SET"),
                              "the set of each task that is tested on: dev, or one of [tasks.NAME.sets]")(
      "seeds", po::value<std::string>()->value_name("N,N,..."),
      "train with each of these (default: the suite's training.seed)")(
      "resamples", po::value<std::int64_t>()->default_value(1000)->value_name("N"),
      "of the examples, for the intervals")("out", po::value<std::string>()->value_name("DIR"),
                                            "the matrix's folder, new or of one that goes on (default: matrices/NAME)");
  add_json(usage.options);
  add_child_options(usage.options);
  return usage;
}

namespace {

// "1,2,3".
std::vector<std::int64_t> parse_seeds(const std::string& text) {
  std::vector<std::int64_t> seeds;
  const char* at = text.data();
  const char* end = at + text.size();
  for (;;) {
    std::int64_t seed = -1;
    const auto [next, error] = std::from_chars(at, end, seed);
    const bool is_seed = error == std::errc() && seed >= 0 && (next == end || *next == ',');
    if (!is_seed || std::find(seeds.begin(), seeds.end(), seed) != seeds.end()) {
      throw Error(ErrorKind::kConfig,
                  fmt::format("--seeds {}: expected different whole numbers from 0, such as 1,2,3", text));
    }
    seeds.push_back(seed);
    if (next == end) return seeds;
    at = next + 1;
  }
}

sweep::MatrixOptions matrix_options(const po::variables_map& values, const suite::Suite& suite) {
  sweep::MatrixOptions options;
  options.set = values["on"].as<std::string>();
  options.seeds = values.contains("seeds") ? parse_seeds(values["seeds"].as<std::string>())
                                           : std::vector<std::int64_t>{suite.training.seed};
  options.resamples = values["resamples"].as<std::int64_t>();
  if (options.resamples < 1) throw Error(ErrorKind::kConfig, "--resamples must be at least 1");
  return options;
}

// Returns what matrix.json says.
std::string write_matrix(const sweep::Matrix& matrix, const fs::path& folder) {
  auto json = sweep::to_json(matrix);
  platform::write_text(folder / "matrix.json", json);
  platform::write_text(folder / "matrix.svg", sweep::to_svg(matrix));
  return json;
}

int stopped(std::FILE* out) {
  fmt::print(out, "interrupted; the same command goes on with what is left\n");
  return 128 + interrupted_by();
}

}  // namespace

int matrix(const Arguments& arguments) {
  auto command = matrix_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto suite = read_suite_argument(*values, command);
  const auto options = matrix_options(*values, suite);
  const auto registry = find_plugins(*values);
  sweep::check_domains(suite, options);
  check_before_running(suite, registry);
  sweep::check_labels(suite, options, registry);
  const fs::path folder =
      values->contains("out") ? fs::path((*values)["out"].as<std::string>()) : fs::path("matrices") / suite.name;
  const auto runner = runner_options(*values, suite, folder);
  catch_interrupts();
  const platform::FolderLock lock(folder, platform::FolderLock::Heirs::kChildren);

  std::FILE* out = progress_stream(*values);
  int first_failure = 0;
  sweep::MatrixQueue queue(suite, options, [&](const sweep::MatrixRun& run, const sweep::Ending& ending) {
    if (first_failure == 0) first_failure = ending.code;
    fmt::print(out, "{}: {}\n", run.trial.title,
               !run.failure.empty()      ? "failed: " + run.failure
               : ending.was_there_before ? "there already"
                                         : "done");
    std::fflush(out);
  });
  if (sweep::run_trials(queue, runner) == sweep::RunnerEnd::kStopped) return stopped(out);

  std::vector<std::vector<sweep::CellScore>> scores;
  try {
    for (const auto& run : queue.runs()) {
      scores.emplace_back();
      if (run.failure.empty()) {
        scores.back() = sweep::cell_scores({suite, options, registry, folder, runner.wants_stop}, run);
      }
    }
  } catch (const evaluation::Stopped&) {
    return stopped(out);
  }
  const auto matrix = sweep::make_matrix(suite, options, queue.runs(), scores);
  const auto json = write_matrix(matrix, folder);
  if (wants_json(*values)) {
    fmt::print("{}", json);
  } else {
    fmt::print("\n{}\nwritten: matrix.json, matrix.svg in {}\n", sweep::to_text(matrix), folder.string());
  }
  return first_failure;
}

}  // namespace berth::app

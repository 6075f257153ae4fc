// berth check: everything short of training.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/suite_argument.h"
#include "core/checkpoint/whole_file.h"
#include "core/debias/prepare.h"
#include "core/diagnosis/diagnosis.h"
#include "core/training/trainer.h"

namespace berth::app {
namespace po = boost::program_options;
namespace {

Usage check_usage() {
  Usage usage;
  usage.line = "berth check SUITE.toml [options]";
  usage.summary = "Reads suite, plugins, model and data as `berth run` would, and tells what it found; trains nothing.";
  usage.examples =
      "  berth check configs/quickstart.toml\n  berth check suite.toml --set model.max_length=64\n"
      "  berth check suite.toml --json findings.json\n";
  add_suite_argument(usage);
  usage.options.add_options()("json", po::value<std::string>()->value_name("FILE"),
                              "write all findings about the data to this file: every duplicate, every label in doubt");
  add_plugin_path(usage.options);
  return usage;
}

// Lengths as they would be without a limit, so that what gets truncated, or read in windows, shows.
diagnosis::SampleSet read_and_print_set(const training::Session& session, const training::TaskSession& task,
                                        const suite::DataSetConfig& set) {
  diagnosis::SampleSet result{set.name, {}};
  const std::int64_t max_length = session.suite.model.max_length;
  const FeatureContext limited{*session.tokenizer, max_length};
  const FeatureContext unlimited{*session.tokenizer, std::numeric_limits<std::int32_t>::max()};
  const auto reader = task.task.make_reader(set);
  const auto stream = task.task.open(*reader, set);
  std::vector<std::int64_t> lengths;
  std::int64_t examples = 0;
  std::int64_t sum = 0;
  std::int64_t truncated = 0;
  std::int64_t in_windows = 0;
  while (const auto example = task.task.next(*stream)) {
    ++examples;
    const auto whole = task.task.features(*example, unlimited);
    std::int64_t too_long = 0;
    for (const auto& feature : whole) {
      lengths.push_back(static_cast<std::int64_t>(feature.encoding.size()));
      sum += lengths.back();
      too_long += lengths.back() > max_length ? 1 : 0;
    }
    result.samples.push_back(diagnosis::make_sample(whole, task.task.label(*example), example->where));
    if (too_long > 0 && task.task.features(*example, limited).size() > whole.size()) {
      ++in_windows;
    } else {
      truncated += too_long;
    }
  }
  std::sort(lengths.begin(), lengths.end());
  fmt::print("  {:<12} {:>9} examples  tokens a sequence: mean {:.1f}, 95% {}, longest {}  truncated to {}: {}{}\n",
             set.name, examples, static_cast<double>(sum) / static_cast<double>(lengths.size()),
             lengths[(lengths.size() - 1) * 95 / 100], lengths.back(), max_length, truncated,
             in_windows > 0 ? fmt::format("  read in windows: {}", in_windows) : "");
  return result;
}

// Prints what stands out in a task's data, and returns all of it.
nlohmann::ordered_json diagnose_task(const training::Session& session, const training::TaskSession& task) {
  std::vector<diagnosis::SampleSet> sets;
  sets.push_back(read_and_print_set(session, task, *task.task.config().train));
  for (const auto& set : training::set_files(task.task.config())) {
    sets.push_back(read_and_print_set(session, task, set));
  }
  const auto found = diagnosis::diagnose(sets);
  for (const auto& line : diagnosis::describe(found, sets)) fmt::print("  {}\n", line);
  return diagnosis::to_json(found, sets);
}

}  // namespace

int check(const Arguments& arguments) {
  auto command = check_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto suite = read_suite_argument(*values, command);
  const auto registry = find_plugins(*values);
  auto session = training::start_session(suite, registry);
  const auto plan = training::plan_of(session);
  for (const auto& task : session.tasks) debias::check(session, task);
  fmt::print("suite {}: {} tasks; model {}\n", suite.name, suite.tasks.size(), suite.model.path.string());
  nlohmann::ordered_json findings;
  for (const auto& task : session.tasks) {
    fmt::print("{}\n", task.task.owner());
    findings[task.task.name()] = diagnose_task(session, task);
    if (task.task.config().split > 0) {
      fmt::print("  of train, {} examples are split off as dev\n", task.dev()->example_count);
    }
  }
  if (values->count("json") > 0) {
    checkpoint::write_text((*values)["json"].as<std::string>(),
                           findings.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }
  fmt::print("{}\nall is well\n", plan.describe());
  return 0;
}

}  // namespace berth::app

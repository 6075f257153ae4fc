// berth check: everything short of training.
#include <fmt/format.h>

#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/suite_argument.h"
#include "core/debias/prepare.h"
#include "core/diagnosis/diagnosis.h"
#include "core/training/trainer.h"

namespace berth::app {

Usage check_usage() {
  Usage usage;
  usage.line = "berth check SUITE.toml [options]";
  usage.summary = "Reads suite, plugins, model and data as `berth run` would, and tells what it found; trains nothing.";
  usage.examples =
      "  berth check configs/quickstart.toml\n  berth check suite.toml --set model.max_length=64\n"
      "  berth check suite.toml --json > findings.json\n";
  add_suite_argument(usage);
  // With all findings about the data: every duplicate, every label in doubt.
  add_json(usage.options);
  add_plugin_path(usage.options);
  return usage;
}

namespace {

using Json = nlohmann::ordered_json;

// Examples of a streamed training set that are looked at for what stands out: these are held.
constexpr std::int64_t kDiagnosedOfStream = 10'000;

// A set as it is read: lengths as they would be without a limit, so that what gets truncated, or read in windows,
// shows.
struct ReadSet {
  diagnosis::SampleSet samples;
  std::int64_t examples = 0;
  double mean_length = 0;  // tokens a sequence
  std::int64_t length_95 = 0;
  std::int64_t longest = 0;
  std::int64_t truncated = 0;
  std::int64_t in_windows = 0;
};

ReadSet measure_set(const training::Session& session, const training::TaskSession& task,
                    const suite::DataSetConfig& set) {
  ReadSet result;
  result.samples.name = set.name;
  const std::int64_t max_length = session.suite.model.max_length;
  const FeatureContext limited{*session.tokenizer, max_length};
  const FeatureContext unlimited{*session.tokenizer, std::numeric_limits<std::int32_t>::max()};
  const auto reader = task.task.make_reader(set);
  const auto stream = task.task.open(*reader, set);
  const bool is_streamed = task.task.config().stream && set.name == "train";
  std::map<std::int64_t, std::int64_t> lengths;  // how many sequences have each
  std::int64_t sequences = 0;
  std::int64_t sum = 0;
  while (const auto example = task.task.next(*stream)) {
    ++result.examples;
    const auto whole = task.task.features(*example, unlimited);
    std::int64_t too_long = 0;
    for (const auto& feature : whole) {
      const auto length = static_cast<std::int64_t>(feature.encoding.size());
      ++lengths[length];
      ++sequences;
      sum += length;
      too_long += length > max_length ? 1 : 0;
    }
    if (!is_streamed || result.examples <= kDiagnosedOfStream) {
      result.samples.samples.push_back(diagnosis::make_sample(whole, task.task.label(*example), example->where));
    }
    if (too_long > 0 && task.task.features(*example, limited).size() > whole.size()) {
      ++result.in_windows;
    } else {
      result.truncated += too_long;
    }
  }
  result.mean_length = static_cast<double>(sum) / static_cast<double>(sequences);
  auto length = lengths.begin();
  for (auto below = length->second; below <= (sequences - 1) * 95 / 100; below += length->second) ++length;
  result.length_95 = length->first;
  result.longest = lengths.rbegin()->first;
  return result;
}

std::string describe(const ReadSet& set, std::int64_t max_length) {
  return fmt::format("{:<12} {:>9} examples  tokens a sequence: mean {:.1f}, 95% {}, longest {}  truncated to {}: {}{}",
                     set.samples.name, set.examples, set.mean_length, set.length_95, set.longest, max_length,
                     set.truncated, set.in_windows > 0 ? fmt::format("  read in windows: {}", set.in_windows) : "");
}

Json to_json(const ReadSet& set) {
  return {{"examples", set.examples},
          {"tokens", {{"mean", set.mean_length}, {"percentile_95", set.length_95}, {"longest", set.longest}}},
          {"truncated", set.truncated},
          {"in_windows", set.in_windows}};
}

// What stands out in a task's data: each line for people goes to `tell`. Returns all of it.
Json diagnose_task(const training::Session& session, const training::TaskSession& task,
                   const std::function<void(const std::string&)>& tell) {
  Json json = {{"plugin", task.task.config().plugin}};
  std::vector<diagnosis::SampleSet> sets;
  const auto add = [&](const suite::DataSetConfig& config) {
    auto set = measure_set(session, task, config);
    tell(describe(set, session.suite.model.max_length));
    json["sets"][config.name] = to_json(set);
    sets.push_back(std::move(set.samples));
  };
  add(*task.task.config().train);
  if (const auto looked_at = std::ssize(sets.front().samples);
      looked_at < json["sets"]["train"]["examples"].get<std::int64_t>()) {
    json["diagnosed"] = looked_at;
    tell(fmt::format("what stands out is looked for in the first {} examples of train, which is streamed", looked_at));
  }
  for (const auto& set : training::set_files(task.task.config())) add(set);
  const auto found = diagnosis::diagnose(sets);
  for (const auto& line : diagnosis::describe(found, sets)) tell(line);
  json.update(diagnosis::to_json(found, sets));
  if (task.task.config().split > 0) {
    json["split_off"] = task.dev()->example_count;
    tell(fmt::format("of train, {} examples are split off as dev", task.dev()->example_count));
  }
  return json;
}

Json plan_json(const training::ParameterPlan& plan) {
  return {{"parameters", plan.total()},
          {"trained_parameters", plan.count(training::Status::kTrained)},
          {"trained_share", plan.trained_share()}};
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
  const bool is_json = wants_json(*values);
  const auto tell = [&](const std::string& text) {
    if (!is_json) fmt::print("{}\n", text);
  };
  Json json = {{"suite", suite.name}, {"model", suite.model.path.string()}};
  json.update(plan_json(plan));
  tell(fmt::format("suite {}: {} {}; model {}", suite.name, suite.tasks.size(),
                   suite.tasks.size() == 1 ? "task" : "tasks", suite.model.path.string()));
  for (const auto& task : session.tasks) {
    tell(task.task.owner());
    if (task.cache) tell("  " + data::describe(*task.cache));
    json["tasks"][task.task.name()] = diagnose_task(session, task, [&](const std::string& line) { tell("  " + line); });
  }
  tell(plan.describe() + "\nall is well");
  if (is_json) print_json(json);
  return 0;
}

}  // namespace berth::app

// berth evaluate: scores of a trained run, on the suite's sets or on a file.
#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>
#include <filesystem>

#include "apps/berth/commands.h"
#include "apps/berth/trained_run.h"
#include "core/data/named_set.h"

namespace berth::app {
namespace po = boost::program_options;
namespace {

Usage evaluate_usage() {
  Usage usage;
  usage.line = "berth evaluate RUN_DIR [options]";
  usage.summary =
      "Scores the tasks of a run on the dev set and the further sets of its suite, or one task on another file.";
  usage.examples =
      "  berth evaluate runs/quickstart\n"
      "  berth evaluate runs/quickstart --task inbox --data newer.tsv --checkpoint last\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("task", po::value<std::string>()->value_name("NAME"), "only this task")(
      "data", po::value<std::string>()->value_name("FILE"), "a file to score on, read as the task's dev set is");
  add_run_options(usage.options);
  return usage;
}

void print_scores(const std::string& task, const std::string& set, const evaluation::Evaluation& evaluation) {
  fmt::print("{} on {}: {} examples, {:.1f} a second\n", task, set, evaluation.examples,
             static_cast<double>(evaluation.examples) / std::max(evaluation.seconds, 1e-9));
  for (const auto& score : evaluation.scores) {
    fmt::print("  {:<24} {:.6f}{}\n", score.name, score.value, score.is_primary ? "  (primary)" : "");
  }
  for (const auto& [group, scores] : evaluation.groups) {
    const auto& score = evaluation::primary_of(scores);
    fmt::print("  {:<24} {:.6f}  (group '{}'{})\n", score.name, score.value, group,
               group == evaluation.worst_group() ? ", the worst" : "");
  }
}

// The given file, read as dev is read (or train, where the suite has no dev file).
suite::DataSetConfig file_set(const suite::TaskConfig& config, const std::string& file) {
  suite::DataSetConfig set = config.dev ? *config.dev : *config.train;
  set.name = "data";
  set.path = std::filesystem::absolute(file);
  set.where = {"--data " + file};
  return set;
}

}  // namespace

int evaluate(const Arguments& arguments) {
  auto command = evaluate_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto run = open_run(*values, required(*values, "run", "usage: " + command.line));
  const auto only = values->contains("task") ? (*values)["task"].as<std::string>() : "";
  const bool has_file = values->contains("data");
  if (has_file && only.empty() && run.suite.tasks.size() > 1) {
    throw Error(ErrorKind::kConfig, "--data needs --task: the run has several tasks");
  }
  if (!only.empty()) run.check_task(only);
  bool any = false;
  for (const auto& config : run.suite.tasks) {
    if (!only.empty() && config.name != only) continue;
    auto session = run.open(config.name);
    auto& task = session.tasks.front();
    const auto score = [&](const std::string& name, const data::TaskData& data) {
      print_scores(config.name, name,
                   evaluation::evaluate(session.model_of(task), data, session.evaluation_options(), {}));
      any = true;
    };
    if (has_file) {
      const auto set = file_set(config, (*values)["data"].as<std::string>());
      score(set.path.string(), training::read_set(session, task, set));
      continue;
    }
    if (config.split > 0) {
      const auto seed = static_cast<std::uint64_t>(run.suite.training.seed);
      score("dev", data::read_named_set(task.task, {config, "dev", seed}, session.feature_options()));
    }
    for (const auto& set : training::set_files(config)) score(set.name, training::read_set(session, task, set));
  }
  if (!any) throw Error(ErrorKind::kConfig, "the run's suite names no set to evaluate on; give --data FILE");
  return 0;
}

}  // namespace berth::app

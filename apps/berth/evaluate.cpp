// berth evaluate: scores of a trained run, on the suite's sets or on a file.
#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/trained_run.h"
#include "core/data/named_set.h"
#include "core/data/unpack.h"
#include "core/report/run_json.h"
#include "core/report/shown_answers.h"

namespace berth::app {
namespace po = boost::program_options;

Usage evaluate_usage() {
  Usage usage;
  usage.line = "berth evaluate RUN_DIR [options]";
  usage.summary =
      "Scores the tasks of a run on the dev set and the further sets of its suite, or one task on another file.\n"
      "Without --data, of the best checkpoint, also keeps in the run folder what a report shows of the answers.";
  usage.examples =
      "  berth evaluate runs/quickstart\n"
      "  berth evaluate runs/quickstart --task inbox --data newer.tsv --checkpoint last\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("task", po::value<std::string>()->value_name("NAME"), "only this task")(
      "data", po::value<std::string>()->value_name("FILE"),
      "a file to score on, read as the task's dev set is; may be gzip, zstd, a pattern, or - for standard input");
  add_json(usage.options);
  add_run_options(usage.options);
  return usage;
}

namespace {

// One more set of a task, in the words of summary.json.
void add_scores(report::Json& entry, const std::string& set, const evaluation::Evaluation& evaluation) {
  entry["primary"] = evaluation.primary().name;
  if (evaluation.primary().direction == Direction::kLowerIsBetter) entry["lower_is_better"] = true;
  report::add_set(entry, set, evaluation);
  entry["examples"][set] = evaluation.examples;
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
  set.path = file == data::kStandardInput ? std::filesystem::path(file) : std::filesystem::absolute(file);
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
  report::Json json = {{"run", run.folder.path().string()}, {"checkpoint", run.which}};
  // A report tells of the best checkpoint and of the run's own sets.
  const bool keeps_answers = !has_file && run.which == "best";
  bool any = false;
  for (const auto& config : run.suite.tasks) {
    if (!only.empty() && config.name != only) continue;
    auto session = run.open(config.name);
    auto& task = session.tasks.front();
    const auto score = [&](const std::string& name, const data::TaskData& data) {
      report::TaskAnswers answers(task.task);
      evaluation::EvaluationSinks sinks;
      if (keeps_answers) {
        sinks.prediction = [&](const Example& example, const Prediction& prediction) {
          answers.add(example, prediction);
        };
      }
      const auto evaluation = evaluation::evaluate(session.model_of(task), data, session.evaluation_options(), sinks);
      if (wants_json(*values)) {
        add_scores(json["tasks"][config.name], name, evaluation);
      } else {
        print_scores(config.name, name, evaluation);
      }
      // A run that lies where nothing can be written is still scored.
      const auto why = keeps_answers ? answers.write(run.folder.shown_file(config.name, name)) : "";
      if (!why.empty()) fmt::print(stderr, "no answers for a report: {}\n", why);
      any = true;
    };
    if (has_file) {
      const auto set = file_set(config, (*values)["data"].as<std::string>());
      score(data::display_name(set.path), training::read_set(session, task, set));
      continue;
    }
    if (config.split > 0) {
      const auto seed = static_cast<std::uint64_t>(run.suite.training.seed);
      score("dev", data::read_named_set(task.task, {config, "dev", seed}, session.feature_options()));
    }
    for (const auto& set : training::set_files(config)) score(set.name, training::read_set(session, task, set));
  }
  if (!any) throw Error(ErrorKind::kConfig, "the run's suite names no set to evaluate on; give --data FILE");
  if (wants_json(*values)) print_json(json);
  return 0;
}

}  // namespace berth::app

// berth analyze: what training changed inside the encoder of a run, and where.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/analysis_steps.h"
#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/trained_run.h"
#include "core/checkpoint/manifest.h"
#include "core/checkpoint/model_folder.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/platform/whole_file.h"
#include "core/report/analysis_report.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage analyze_usage() {
  Usage usage;
  usage.line = "berth analyze RUN_DIR [options]";
  usage.summary =
      "Shows what training changed inside the encoder, and where: how far each layer's weights went, how alike its "
      "hidden\n"
      "states and its attention are to those before training, what the score loses with it put back to before "
      "training, "
      "and\n"
      "what a linear probe reads of the task from it. Writes RUN_DIR/analysis.json.";
  usage.examples =
      "  berth analyze runs/quickstart\n"
      "  berth analyze runs/quickstart --task inbox --examples 1000\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("task", po::value<std::string>()->value_name("NAME"), "only this task")(
      "examples", po::value<std::int64_t>()->default_value(500)->value_name("N"),
      "of each set that are looked at, and twice as many of the training set for probes")(
      "tokens", po::value<std::int64_t>()->default_value(1000)->value_name("N"),
      "of each set that similarities are taken over");
  add_json(usage.options);
  add_run_options(usage.options);
  return usage;
}

namespace {

std::int64_t count_of(const po::variables_map& values, const char* name) {
  const auto count = values[name].as<std::int64_t>();
  if (count < 2) throw Error(ErrorKind::kConfig, fmt::format("--{} is {}; expected 2 or more", name, count));
  return count;
}

// dev first, then the further sets, as the run had them.
analysis::TaskSample read_sample(const training::Session& session, const training::TaskSession& task,
                                 std::int64_t examples) {
  const auto options = session.feature_options();
  const auto& config = task.task.config();
  analysis::TaskSample sample;
  const auto add = [&](const std::string& name, data::Examples all) {
    sample.sets.push_back(
        data::make_task_data(task.task, name, data::spread(std::move(all), examples), data::Keep::kExamples, options));
  };
  auto train = training::read_train(session, task.task, 2 * examples);
  sample.train = data::make_task_data(task.task, "train", data::spread(std::move(train.train), 2 * examples),
                                      data::Keep::kFeatures, options);
  if (config.split > 0) add("dev", std::move(train.dev));
  for (const auto& set : training::set_files(config)) add(set.name, data::read_examples(task.task, set));
  return sample;
}

// Of all checkpoints that were kept, and of those that were asked for.
std::vector<analysis::StepChanges> weights_of(const TrainedRun& run, const std::vector<fs::path>& wanted,
                                              const model::Encoder& before, report::Console& console) {
  std::vector<fs::path> folders;
  for (const auto& [step, folder] : run.folder.all_checkpoints()) {
    try {
      checkpoint::verify(folder, checkpoint::Part::kModel);
      folders.push_back(folder);
    } catch (const Error& error) {
      console.line(fmt::format("{} is passed over: {}", folder.filename().string(), error.what()));
    }
  }
  for (const auto& folder : wanted) {
    if (std::find(folders.begin(), folders.end(), folder) == folders.end()) folders.push_back(folder);
  }
  std::vector<analysis::StepChanges> weights;
  for (const auto& folder : folders) {
    if (wants_stop()) throw evaluation::Stopped{};
    const auto read = checkpoint::load_encoder(checkpoint::encoder_folder(folder), before.options());
    weights.push_back(changes_at(folder, before, read.encoder));
  }
  return weights;
}

}  // namespace

int analyze(const Arguments& arguments) {
  auto command = analyze_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto run = open_run(*values, required(*values, "run", "usage: " + command.line));
  const auto only = values->contains("task") ? (*values)["task"].as<std::string>() : "";
  if (!only.empty()) run.check_task(only);
  const auto examples = count_of(*values, "examples");
  analysis::AnalysisOptions options;
  options.tokens = count_of(*values, "tokens");
  options.has_probes = true;
  options.wants_stop = wants_stop;
  catch_interrupts();
  report::Console console(progress_stream(*values));
  const auto before = training::starting_encoder(run.suite);
  analysis::Analysis analysis;
  std::vector<fs::path> checkpoints;
  try {
    for (const auto& config : run.suite.tasks) {
      if (!only.empty() && config.name != only) continue;
      auto session = run.open(config.name);
      auto& task = session.tasks.front();
      const auto checkpoint = run.checkpoint(config.name);
      analysis.tasks.push_back(
          analysis::analyze_task(session, task, before, read_sample(session, task, examples), options));
      analysis.tasks.back().step = checkpoint::read_info(checkpoint).step;
      checkpoints.push_back(checkpoint);
    }
    analysis.weights = weights_of(run, checkpoints, before, console);
  } catch (const evaluation::Stopped&) {
    return 128 + interrupted_by();
  }
  if (!wants_json(*values)) {
    tell_analysis(analysis, run.folder, console);
    return 0;
  }
  const auto json = report::to_json(analysis);
  platform::write_text(run.folder.analysis_file(), json);
  fmt::print("{}", json);
  return 0;
}

}  // namespace berth::app

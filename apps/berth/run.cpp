// berth run: from a suite to a trained model and its report.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/program_options/value_semantic.hpp>
#include <cstdint>
#include <fstream>
#include <optional>

#include "apps/berth/analysis_steps.h"
#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/suite_argument.h"
#include "apps/berth/watch.h"
#include "core/debias/prepare.h"
#include "core/debias/teacher.h"
#include "core/platform/folder_lock.h"
#include "core/platform/whole_file.h"
#include "core/report/html/html_report.h"
#include "core/report/prediction_line.h"
#include "core/report/profile.h"
#include "core/report/run_recorder.h"
#include "core/report/shown_answers.h"

namespace berth::app {
namespace po = boost::program_options;

Usage run_usage() {
  Usage usage;
  usage.line = "berth run SUITE.toml [options]";
  usage.summary =
      "Trains the tasks of a suite on one shared encoder and writes a run folder. With --resume, goes on with a run\n"
      "that was stopped, from its newest whole checkpoint, as if it had never stopped.";
  usage.examples =
      "  berth run configs/quickstart.toml\n"
      "  berth run suite.toml --set optimizer.rate=5e-5 --set training.epochs=4 --out runs/faster\n"
      "  berth run --resume runs/faster\n";
  add_suite_argument(usage);
  usage.options.add_options()("out", po::value<std::string>()->value_name("DIR"),
                              "the run folder, new or empty (default: runs/NAME)")(
      "resume", po::value<std::string>()->value_name("RUN_DIR"),
      "go on with this run, with its own suite: no SUITE.toml, no --out, no --set but training.not_finite")(
      "profile", po::bool_switch(), "print where the time of a training step went")(
      "watch", po::value<std::uint16_t>()->implicit_value(0)->value_name("PORT"),
      "serve the run's report at 127.0.0.1 while it goes on; --watch=PORT chooses the port");
  add_plugin_path(usage.options);
  return usage;
}

namespace {

// The run to go on with, if there is one.
std::optional<report::RunFolder> resumed_run(const po::variables_map& values) {
  if (!values.contains("resume")) return std::nullopt;
  for (const auto* other : {"suite", "out"}) {
    if (!values.contains(other)) continue;
    throw Error(ErrorKind::kConfig, fmt::format("--resume goes on with a run as it was begun; take '{}' away", other));
  }
  for (const auto& set : sets_of(values)) {
    if (set.starts_with("training.not_finite=")) continue;
    throw Error(ErrorKind::kConfig,
                fmt::format("--resume goes on with a run as it was begun, but for training.not_finite; take '--set {}' "
                            "away",
                            set));
  }
  return report::RunFolder::open(values["resume"].as<std::string>());
}

void describe_session(const training::Session& session, report::Console& console) {
  const auto& config = session.encoder.config();
  console.line(fmt::format("model {}: {} layers, {} wide, {} tokens in the vocabulary",
                           session.suite.model.path.string(), config.num_hidden_layers, config.hidden_size,
                           config.vocab_size));
  if (session.encoder.options().products == model::Products::kBFloat16) {
    console.line("  matrix products of the encoder in bfloat16");
  }
  const auto& report = session.load_report;
  if (!report.initialised.empty()) {
    console.line(
        fmt::format("  not in the model's files, so newly initialised: {}", fmt::join(report.initialised, ", ")));
  }
  if (!report.unused.empty()) {
    console.line(fmt::format("  in the model's files, but not used: {}", fmt::join(report.unused, ", ")));
  }
  for (const auto& task : session.tasks) {
    auto text = fmt::format("{}: {} training examples", task.task.owner(), task.train->example_count);
    for (const auto& set : task.sets) text += fmt::format(", {} {}", set.example_count, set.name);
    console.line(text);
  }
  console.line("");
}

// Scores every task by its best checkpoint. After training, the weights are those of the last one, but for averaged
// ones: then the checkpoint has the mean. Throws evaluation::Stopped where the user has enough.
void evaluate_sets(training::Session& session, const report::RunFolder& folder, report::RunRecorder& recorder,
                   report::Console& console) {
  auto options = session.evaluation_options();
  options.wants_stop = wants_stop;
  std::filesystem::path loaded;
  if (session.suite.finetuning.average == 0) loaded = folder.checkpoint("last");
  for (auto& task : session.tasks) {
    if (const auto best = folder.checkpoint("best", task.task.name()); best != loaded) {
      training::restore(session, best);
      loaded = best;
    }
    for (const auto& set : task.sets) {
      const auto file = folder.predictions_file(task.task.name(), set.name);
      std::ofstream out(file, std::ios::binary);
      report::TaskAnswers answers(task.task);
      evaluation::EvaluationSinks sinks;
      sinks.prediction = [&](const Example& example, const Prediction& prediction) {
        out << report::prediction_line(task.task.json(example), task.task.name(), task.task.json(prediction)) << '\n';
        answers.add(example, prediction);
      };
      sinks.metric = [&](const Metric& metric) {
        for (const auto& [suffix, text] : task.task.files(metric)) {
          platform::write_text(folder.result_file(task.task.name(), set.name, suffix), text);
        }
      };
      const auto evaluation = evaluation::evaluate(session.model_of(task), set, options, sinks);
      out.close();
      if (!out) throw Error(ErrorKind::kIo, {file.string()}, "can't be written; is the disk full?");
      if (const auto why = answers.write(folder.shown_file(task.task.name(), set.name)); !why.empty()) {
        console.line(fmt::format("no answers for a report: {}", why));
      }
      recorder.final_set(task.task.name(), set.name, evaluation);
    }
  }
}

// What training changed, by each task's best checkpoint. Takes the examples of the session's sets.
void analyze_session(training::Session& session, const report::RunFolder& folder, report::Console& console) {
  const auto before = training::starting_encoder(session.suite);
  analysis::AnalysisOptions options;
  options.wants_stop = wants_stop;
  analysis::Analysis analysis;
  std::filesystem::path loaded;
  for (auto& task : session.tasks) {
    const auto best = folder.checkpoint("best", task.task.name());
    if (best != loaded) {
      training::restore(session, best);
      analysis.weights.push_back(changes_at(best, before, session.encoder));
      loaded = best;
    }
    analysis::TaskSample sample;
    for (auto& set : task.sets) {
      sample.sets.push_back(data::make_task_data(task.task, set.name,
                                                 data::spread(std::move(set.examples), session.suite.analysis.examples),
                                                 data::Keep::kExamples, session.feature_options()));
    }
    analysis.tasks.push_back(analysis::analyze_task(session, task, before, sample, options));
    analysis.tasks.back().step = analysis.weights.back().step;
  }
  tell_analysis(analysis, folder, console);
}

// report.html, however the run ended. The run is what it is without one: that it can't be written is said.
void write_report(const report::RunFolder& folder, const suite::Suite& suite, report::Console& console) {
  if (!suite.report.html) return;
  try {
    const auto file = folder.path() / "report.html";
    report::write_html_report({folder}, {}, file);
    console.line(fmt::format("report {}", file.string()));
  } catch (const std::exception& error) {
    console.line(fmt::format("no report: {}", error.what()));
  }
}

// False where the user has enough.
bool try_to_analyze(training::Session& session, const report::RunFolder& folder, report::Console& console) {
  try {
    analyze_session(session, folder, console);
    return true;
  } catch (const evaluation::Stopped&) {
    return false;
  } catch (...) {
    write_report(folder, session.suite, console);
    throw;
  }
}

}  // namespace

int run(const Arguments& arguments) {
  auto command = run_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  report::Console console(stdout);
  const auto resumed = resumed_run(*values);
  std::optional<platform::FolderLock> lock;
  std::optional<std::filesystem::path> from;
  if (resumed) {
    lock.emplace(resumed->path());
    if (report::is_finished(resumed->path())) {
      console.line(fmt::format("{}: the run has come to its end already", resumed->path().string()));
      return 0;
    }
    from = resumed->newest_whole([&](const std::string& why) { console.line(why); });
  }
  const auto suite = resumed ? read_suite_of(*resumed, sets_of(*values)) : read_suite_argument(*values, command);
  const auto registry = find_plugins(*values);
  // Everything that can be wrong in suite and data shows before a folder is made.
  auto session = training::start_session(suite, registry);
  training::plan_of(session);
  for (const auto& task : session.tasks) debias::check(session, task);
  debias::ask_teachers(session, registry);
  auto resolved = suite;
  resolved.model.precision = session.suite.model.precision;  // what "auto" is here
  catch_interrupts();                                        // from here on there is something to lose
  const auto out = values->contains("out") ? std::filesystem::path((*values)["out"].as<std::string>())
                                           : report::RunFolder::free_path(suite.name);
  std::optional<Watch> watch;
  if (values->contains("watch")) {
    watch.emplace(resumed ? resumed->path() : out, (*values)["watch"].as<std::uint16_t>());
    console.line(fmt::format("watch it at {}", watch->url()));
  }
  if (!lock) lock.emplace(out);
  const auto folder = resumed ? *resumed : report::RunFolder::create(out, resolved);
  if (resumed && values->contains("set")) platform::write_text(folder.suite_file(), suite::to_toml(resolved));
  console.line(fmt::format("run folder {}", folder.path().string()));
  describe_session(session, console);

  report::RunRecorder recorder(folder, session, console, wants_stop);
  training::Trainer trainer(session, recorder);
  recorder.follow(trainer);
  if (from) recorder.go_on_from(*from);
  auto result = trainer.result();
  const auto tell = [&](const char* what) {
    recorder.finish(result);
    write_report(folder, suite, console);
    const auto saved = recorder.saved_step();
    if (!saved) return;
    console.line(fmt::format("{}; what was learned up to step {} is in {}; `berth run --resume {}` goes on", what,
                             *saved, (folder.checkpoints() / "last").string(), folder.path().string()));
  };
  std::optional<report::Profile> profile;
  if ((*values)["profile"].as<bool>()) profile.emplace();
  try {
    trainer.train(from);
    if (profile) console.line(profile->table());
    profile.reset();
    result = trainer.result();
    if (result.ending != training::Ending::kInterrupted) evaluate_sets(session, folder, recorder, console);
  } catch (const evaluation::Stopped&) {
    result.ending = training::Ending::kInterrupted;
  } catch (...) {
    result = trainer.result();
    result.ending = training::Ending::kFailed;
    try {
      tell("failed");
    } catch (const std::exception&) {  // the first error is the one to tell
    }
    throw;
  }
  if (result.ending == training::Ending::kInterrupted) {
    tell("interrupted");
    return 128 + interrupted_by();
  }
  recorder.finish(result);
  const bool is_whole = !suite.analysis.at_end || try_to_analyze(session, folder, console);
  write_report(folder, suite, console);
  if (is_whole) return 0;
  console.line(
      fmt::format("interrupted; the run is whole, and `berth analyze {}` does what was left", folder.path().string()));
  return 128 + interrupted_by();
}

}  // namespace berth::app

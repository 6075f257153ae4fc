#include "apps/berth/run_stages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "apps/berth/analysis_steps.h"
#include "apps/berth/interrupt.h"
#include "core/platform/whole_file.h"
#include "core/report/html/html_report.h"
#include "core/report/prediction_line.h"
#include "core/report/shown_answers.h"

namespace berth::app {
namespace {

// The predictions file of a set, in process 0: the others hand it their part of the lines, which come after its own.
class PredictionsFile {
 public:
  PredictionsFile(std::filesystem::path file, distributed::Group& group) : file_(std::move(file)), group_(group) {
    if (group.is_first()) out_.open(file_, std::ios::binary);
  }

  void add(const std::string& line) {
    if (group_.is_first()) {
      out_ << line << '\n';
    } else {
      handed_on_ += line + '\n';
    }
  }

  // Throws Error kIo.
  void finish() {
    for (const auto& lines : group_.gather(handed_on_)) out_ << lines;
    if (!group_.is_first()) return;
    out_.close();
    if (!out_) throw Error(ErrorKind::kIo, {file_.string()}, "can't be written; is the disk full?");
  }

 private:
  std::filesystem::path file_;
  distributed::Group& group_;
  std::ofstream out_;
  std::string handed_on_;
};

evaluation::Evaluation evaluate_set(training::Session& session, training::TaskSession& task, const data::TaskData& set,
                                    const report::RunFolder& folder, distributed::Group& group,
                                    report::Console& console) {
  auto options = session.evaluation_options();
  options.wants_stop = wants_stop;
  options.group = &group;
  const auto& name = task.task.name();
  PredictionsFile file(folder.predictions_file(name, set.name), group);
  report::TaskAnswers answers(task.task);
  evaluation::EvaluationSinks sinks;
  sinks.prediction = [&](const Example& example, const Prediction& prediction) {
    file.add(report::prediction_line(task.task.json(example), name, task.task.json(prediction)));
    answers.add(example, prediction);
  };
  sinks.metric = [&](const Metric& metric) {
    if (!group.is_first()) return;
    for (const auto& [suffix, text] : task.task.files(metric)) {
      platform::write_text(folder.result_file(name, set.name, suffix), text);
    }
  };
  auto evaluation = evaluation::evaluate(session.model_of(task), set, options, sinks);
  file.finish();
  if (!group.is_alone()) answers.merge(group.gather(answers.state()));
  if (group.is_first()) {
    if (const auto why = answers.write(folder.shown_file(name, set.name)); !why.empty()) {
      console.line(fmt::format("no answers for a report: {}", why));
    }
  }
  return evaluation;
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

}  // namespace

void describe_session(const training::Session& session, report::Console& console) {
  const auto& config = session.encoder.config();
  console.line(fmt::format("model {}: {} layers, {} wide, {} tokens in the vocabulary",
                           session.suite.model.path.string(), config.num_hidden_layers, config.hidden_size,
                           config.vocab_size));
  if (session.encoder.options().products == model::Products::kBFloat16) {
    console.line("  matrix products of the encoder in bfloat16");
  }
  if (!session.encoder.device().is_cpu()) console.line("  computes on " + session.encoder.device().str());
  const auto& report = session.load_report;
  if (!report.initialised.empty()) {
    console.line(
        fmt::format("  not in the model's files, so newly initialised: {}", fmt::join(report.initialised, ", ")));
  }
  if (!report.unused.empty()) {
    console.line(fmt::format("  in the model's files, but not used: {}", fmt::join(report.unused, ", ")));
  }
  for (const auto& task : session.tasks) {
    const auto& of_task = task.task.config();
    auto text = task.task.owner() + ": ";
    text += of_task.stream ? fmt::format("training examples streamed from {}", of_task.train->path.string())
                           : fmt::format("{} training examples", task.train->example_count);
    for (const auto& set : task.sets) text += fmt::format(", {} {}", set.example_count, set.name);
    console.line(text);
    if (task.cache) console.line("  " + data::describe(*task.cache));
  }
  console.line("");
}

// After training, the weights are those of the last checkpoint, but for averaged ones: then the checkpoint has the
// mean.
void evaluate_sets(training::Session& session, const report::RunFolder& folder, report::RunRecorder* recorder,
                   distributed::Group& group, report::Console& console) {
  // Links that process 0 has just set may not have come to other machines yet.
  const auto resolve = [&](const char* which, const std::string& task) {
    return std::filesystem::path(group.from_first(group.is_first() ? folder.checkpoint(which, task).string() : ""));
  };
  std::filesystem::path loaded;
  if (session.suite.finetuning.average == 0) loaded = resolve("last", "");
  for (auto& task : session.tasks) {
    if (const auto best = resolve("best", task.task.name()); best != loaded) {
      training::restore(session, best);
      loaded = best;
    }
    for (const auto& set : task.sets) {
      const auto evaluation = evaluate_set(session, task, set, folder, group, console);
      if (recorder != nullptr) recorder->final_set(task.task.name(), set.name, evaluation);
    }
  }
}

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

}  // namespace berth::app

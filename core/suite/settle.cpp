#include "core/suite/settle.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/suite/option_binder.h"

namespace berth::suite {
namespace {

bool is_written(const Where& where) { return !where.file.empty(); }

std::vector<std::string> task_names(const Suite& suite) {
  std::vector<std::string> names;
  for (const auto& task : suite.tasks) names.push_back(task.name);
  return names;
}

// ", did you mean 'squad'? The tasks are ner, squad".
std::string suggestion(const std::string& name, const std::vector<std::string>& known) {
  const auto nearest = nearest_name(name, known);
  return fmt::format("{}; the tasks are {}", nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                     fmt::join(known, ", "));
}

void check_phases(const Suite& suite) {
  const auto& mixing = suite.mixing;
  const bool is_phased = mixing.kind == MixingKind::kPhases;
  if (is_phased && mixing.phases.empty()) {
    throw Error(
        ErrorKind::kConfig, mixing.kind_where,
        "[mixing]: kind = \"phases\" needs them; write phases = [{ steps = 100, shares = { TASK = 1.0 } }, ...]");
  }
  if (!is_phased && !mixing.phases.empty()) {
    throw Error(ErrorKind::kConfig, mixing.phases_where,
                "[mixing]: 'phases' counts only where kind = \"phases\"; set it, or take 'phases' away");
  }
  const auto known = task_names(suite);
  for (std::size_t i = 0; i < mixing.phases.size(); ++i) {
    const auto& phase = mixing.phases[i];
    double sum = 0;
    for (const auto& [task, share] : phase.shares) {
      if (std::find(known.begin(), known.end(), task) == known.end()) {
        throw Error(
            ErrorKind::kConfig, phase.where,
            fmt::format("[mixing]: phase {} names '{}', which is no task{}", i + 1, task, suggestion(task, known)));
      }
      sum += share;
    }
    if (!(sum > 0)) {
      throw Error(ErrorKind::kConfig, phase.where,
                  fmt::format("[mixing]: the shares of phase {} are all 0; give some task one above 0", i + 1));
    }
    if (phase.steps == 0 && i + 1 < mixing.phases.size()) {
      throw Error(ErrorKind::kConfig, phase.where,
                  fmt::format("[mixing]: phase {} has no 'steps', so that the ones after it would never come; only the "
                              "last may go on to the end",
                              i + 1));
    }
  }
}

void settle_steps(MixingConfig& mixing) {
  if (mixing.surgery && mixing.step == StepKind::kOneTask) {
    if (is_written(mixing.step_where)) {
      throw Error(
          ErrorKind::kConfig, mixing.step_where,
          "[mixing]: gradient surgery needs the gradients of all tasks in one step; take step = \"one\" away, or "
          "surgery");
    }
    mixing.step = StepKind::kAllTasks;
  }
  if (mixing.step == StepKind::kAllTasks && mixing.kind != MixingKind::kProportional) {
    throw Error(
        ErrorKind::kConfig, mixing.kind_where,
        "[mixing]: 'kind' says which task a step trains, but with step = \"all\" or surgery every step trains all "
        "of them; take one of them away");
  }
  const bool has_temperature = mixing.final_temperature || mixing.temperature != MixingConfig().temperature;
  if (has_temperature && mixing.kind != MixingKind::kTemperature) {
    throw Error(
        ErrorKind::kConfig, mixing.temperature_where,
        "[mixing]: a temperature counts only where kind = \"temperature\"; set it, or take the temperature away");
  }
}

void check_selection(const Suite& suite) {
  if (suite.evaluation.patience > 0 && suite.tasks.size() > 1 && suite.mixing.kind == MixingKind::kSequential) {
    throw Error(ErrorKind::kConfig, suite.mixing.kind_where,
                "[evaluation]: with kind = \"sequential\" 'patience' would end the run in one task's turn, before the "
                "next ones have theirs; take one of them away");
  }
  const auto& by = suite.evaluation.select_by;
  if (by == "mean" || by == "each") return;
  const auto known = task_names(suite);
  const auto found = std::find(known.begin(), known.end(), by);
  if (found == known.end()) {
    throw Error(ErrorKind::kConfig, suite.evaluation.select_by_where,
                fmt::format("[evaluation]: 'select_by' is '{}'; expected \"mean\", \"each\" or a task{}", by,
                            suggestion(by, known)));
  }
  const auto& task = suite.tasks[static_cast<std::size_t>(found - known.begin())];
  if (!task.dev && task.split == 0) {
    throw Error(
        ErrorKind::kConfig, suite.evaluation.select_by_where,
        fmt::format("[evaluation]: 'select_by' is '{}', but that task has no dev set; give it 'dev' or 'split'", by));
  }
}

// What a method leaves frozen is nothing for others to work on.
void check_method(const FinetuningConfig& c) {
  const auto is_one_of = [&c](std::initializer_list<Method> methods) {
    return std::find(methods.begin(), methods.end(), c.method) != methods.end();
  };
  const auto clash = [&c](const char* key, const Where& where, const char* why) {
    static constexpr const char* kNames[] = {"full", "study", "heads", "top", "biases", "lora", "adapters"};
    throw Error(ErrorKind::kConfig, where,
                fmt::format("[finetuning]: '{}' can't be used with method = \"{}\": {}; take one of them away", key,
                            kNames[static_cast<std::size_t>(c.method)], why));
  };
  if (c.gradual_unfreezing > 0 && is_one_of({Method::kHeads, Method::kLora, Method::kAdapters})) {
    clash("gradual_unfreezing", c.unfreezing_where, "the layers stay frozen");
  }
  if (c.mixout > 0 && is_one_of({Method::kHeads, Method::kBiases, Method::kLora, Method::kAdapters})) {
    clash("mixout", c.mixout_where, "the weights that it mixes don't learn");
  }
  if (c.adversarial > 0 &&
      is_one_of({Method::kHeads, Method::kTop, Method::kBiases, Method::kLora, Method::kAdapters})) {
    clash("adversarial", c.adversarial_where, "the word embeddings, along whose gradient it moves, stay frozen");
  }
  if (c.reinitialize_layers > 0 &&
      is_one_of({Method::kStudy, Method::kHeads, Method::kBiases, Method::kLora, Method::kAdapters})) {
    clash("reinitialize_layers", c.reinitialize_where, "the layers would keep their random weights");
  }
}

void check_finetuning(const Suite& suite) {
  const auto& c = suite.finetuning;
  if (c.method != Method::kFull && !suite.optimizer.train_only.empty()) {
    throw Error(ErrorKind::kConfig, suite.optimizer.train_only.front().where,
                "[optimizer]: 'train_only' and [finetuning] 'method' both say what learns; take one of them away");
  }
  if (c.method == Method::kLora && c.lora_targets.empty()) {
    throw Error(ErrorKind::kConfig, c.method_where,
                "[finetuning]: with 'lora_targets' empty nothing of the encoder learns; name some, or write method = "
                "\"heads\"");
  }
  if (c.smart == 0 && c.smart_radius != FinetuningConfig().smart_radius) {
    throw Error(ErrorKind::kConfig, c.smart_radius_where,
                "[finetuning]: 'smart_radius' counts only where 'smart' is above 0; write smart = 1, or take "
                "'smart_radius' away");
  }
  check_method(c);
}

void check_debias(const Suite& suite, const TaskConfig& task) {
  const auto& c = task.debias;
  const auto refuse = [&](const Where& where, const std::string& text) {
    throw Error(ErrorKind::kConfig, where, fmt::format("[tasks.{}.debias]: {}", task.name, text));
  };
  const bool needs_teacher = c.method == DebiasMethod::kConfidenceRegularization;
  if (needs_teacher && c.teacher.empty()) {
    refuse(c.method_where,
           "method = \"confidence_regularization\" learns from what a plain run of this task thinks; write teacher = "
           "\"RUN\", the folder of one that has finished");
  }
  if (!needs_teacher && !c.teacher.empty()) {
    refuse(c.teacher_where,
           "'teacher' counts only where method = \"confidence_regularization\"; set it, or take 'teacher' away");
  }
  const bool needs_groups = c.method == DebiasMethod::kGroupDro || c.method == DebiasMethod::kBalanced;
  if (needs_groups && c.group.empty() && !c.by_label) {
    refuse(c.method_where, "all examples are one group; write group = \"COLUMN\", or by_label = true");
  }
  if (c.method == DebiasMethod::kBalanced && !suite.training.shuffle) {
    refuse(
        c.method_where,
        "method = \"balanced\" draws the order of the examples, but training.shuffle is false; take one of them away");
  }
}

bool needs_sizes(MixingKind kind) {
  return kind == MixingKind::kProportional || kind == MixingKind::kTemperature || kind == MixingKind::kSequential;
}

// A streamed training set is never seen whole, and nobody knows its size.
void check_stream(const Suite& suite, const TaskConfig& task) {
  if (!task.stream) return;
  const auto refuse = [&](const Where& where, const std::string& text) {
    throw Error(ErrorKind::kConfig, is_written(where) ? where : task.stream_where,
                fmt::format("[tasks.{}]: {}", task.name, text));
  };
  if (!task.train) refuse({}, "'stream' is about the training set, but there is none; add train = \"FILE\"");
  if (task.train->path == "-") {
    refuse(task.train->where,
           "standard input can be read once, but a streamed training set is read at the start and again in every "
           "epoch; write it to a file first");
  }
  if (task.split > 0) {
    refuse({},
           "'split' takes a share of the whole training set, but a streamed one is never seen whole; give dev = "
           "\"FILE\" in place of 'split'");
  }
  if (task.debias.method != DebiasMethod::kNone) {
    refuse(task.debias.method_where,
           "a method against bias looks at the whole training set first, but a streamed one is never seen whole; take "
           "'stream' away, or the method");
  }
  if (suite.training.steps == 0) {
    refuse({},
           "nobody knows how many steps an epoch of a streamed training set has, so that training.epochs says "
           "nothing; write training.steps = N");
  }
  const auto& mixing = suite.mixing;
  if (suite.tasks.size() > 1 && mixing.step == StepKind::kOneTask && needs_sizes(mixing.kind)) {
    refuse(mixing.kind_where,
           "tasks are mixed by the sizes of their training sets, but nobody knows that of a streamed one; write "
           "mixing.kind = \"uniform\", \"round_robin\" or \"phases\", or mixing.step = \"all\"");
  }
}

}  // namespace

void settle(Suite& suite) {
  check_finetuning(suite);
  for (const auto& task : suite.tasks) check_debias(suite, task);
  settle_steps(suite.mixing);
  for (const auto& task : suite.tasks) check_stream(suite, task);
  check_phases(suite);
  check_selection(suite);
}

}  // namespace berth::suite

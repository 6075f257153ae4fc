// A suite brought to life: tokenizer, encoder and tasks with their heads. Every command of the program that needs a
// model starts here, from the suite's model or from a checkpoint of a run.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/model_folder.h"
#include "core/data/feature_cache.h"
#include "core/data/task_data.h"
#include "core/debias/gate.h"
#include "core/debias/groups.h"
#include "core/evaluation/evaluator.h"
#include "core/plugin/loaded_task.h"
#include "core/plugin/registry.h"
#include "core/suite/suite.h"

namespace berth::training {

struct TaskSession {
  plugin::LoadedTask task;
  std::shared_ptr<Head> head;
  std::optional<data::TaskData> train;  // of one that is streamed, the first examples alone
  std::vector<data::TaskData> sets;     // "dev" first, where there is one; then the suite's [tasks.NAME.sets]
  debias::Groups groups;                // of the training set's features, where the suite has groups
  std::optional<debias::Gate> gate;     // of a learned mixin
  at::Tensor teacher;                   // see debias::ask_teachers()

  // What the suite's feature cache has to do with the training set, where there is one.
  std::optional<data::CacheUse> cache = {};

  const data::TaskData* dev() const { return !sets.empty() && sets.front().name == "dev" ? &sets.front() : nullptr; }
};

struct Session {
  suite::Suite suite;
  std::unique_ptr<Tokenizer> tokenizer;
  model::Encoder encoder;
  checkpoint::LoadReport load_report;
  std::vector<TaskSession> tasks;

  data::FeatureOptions feature_options() const;
  evaluation::EvaluationOptions evaluation_options() const;
  evaluation::TaskModel model_of(TaskSession& task) const { return {task.task, *task.head, encoder}; }

  // Throws Error kConfig for a name that the suite lacks, with the nearest one.
  TaskSession& find(const std::string& task);
};

// For training: the suite's model, every task's training and evaluation sets read, labels learned, heads fresh.
// Training sets come out of the suite's feature cache, and into it. Throws Error kConfig where a task has no training
// set.
Session start_session(const suite::Suite& suite, const plugin::Registry& registry);

// For everything after training: encoder, task states and heads of a checkpoint; no data is read. only: the task to
// load, all of them where empty.
Session open_session(const suite::Suite& suite, const plugin::Registry& registry,
                     const std::filesystem::path& checkpoint, const std::string& only);

// The encoder that a run of this suite starts from, re-initialised layers included. The same values each time, as long
// as the model's folder stays what it is.
model::Encoder starting_encoder(const suite::Suite& suite);

// A task's head with the values that it starts from.
std::shared_ptr<Head> make_head(const Session& session, const plugin::LoadedTask& task);

// Puts a checkpoint of the session's own run into its tensors, and what the tasks knew then into the tasks. In place: a
// head may be tied to the encoder.
void restore(Session& session, const std::filesystem::path& checkpoint);

// A task's training set, without the part that the suite splits off as dev; that is in `dev`. Of one that is streamed,
// the first examples.
data::Split read_train(const Session& session, const plugin::LoadedTask& task, std::int64_t most_of_stream);

// One evaluation set of a task, read now.
data::TaskData read_set(const Session& session, const TaskSession& task, const suite::DataSetConfig& set);

// The dev set and the suite's further sets, as far as they are given by files of their own.
std::vector<suite::DataSetConfig> set_files(const suite::TaskConfig& config);

}  // namespace berth::training

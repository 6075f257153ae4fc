#include "core/report/html/run_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <set>
#include <system_error>

#include "core/checkpoint/manifest.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/model/json_text.h"
#include "core/report/html/metrics_file.h"
#include "core/report/run_memory.h"
#include "core/suite/toml_reader.h"
#include "core/suite/toml_writer.h"

namespace berth::report::html {
namespace fs = std::filesystem;
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Null where there is no such file, and where it can't be read; the latter is told.
Json read_json(const fs::path& file, RunData& run) {
  std::error_code error;
  if (!fs::exists(file, error)) return nullptr;
  try {
    return model::parse_ordered_json(model::read_text(file), file.string());
  } catch (const std::exception& failure) {
    run.notes.emplace_back(failure.what());
    return nullptr;
  }
}

// "tasks.a.train.path", "x": the leaves of a table.
void flatten(const suite::ConfigTable& table, const std::string& prefix, RunData& run) {
  for (const auto& [key, value, where] : table.entries) {
    const auto name = prefix + suite::toml_key(key);
    if (const auto* inner = std::get_if<suite::ConfigTable>(&value.value)) {
      flatten(*inner, name + ".", run);
    } else {
      run.settings.emplace_back(name, suite::to_toml(value));
    }
  }
}

void read_suite(const RunFolder& folder, RunData& run) {
  try {
    run.suite_text = model::read_text(folder.suite_file());
    const auto table = suite::parse_toml(run.suite_text, folder.suite_file().string());
    flatten(table, "", run);
    const auto* tasks = table.find("tasks");
    const auto* entries = tasks == nullptr ? nullptr : std::get_if<suite::ConfigTable>(&tasks->value);
    if (entries == nullptr) return;
    for (const auto& [name, value, where] : entries->entries) {
      const auto* task = std::get_if<suite::ConfigTable>(&value.value);
      const auto* plugin = task == nullptr ? nullptr : task->find("plugin");
      const auto* text = plugin == nullptr ? nullptr : std::get_if<std::string>(&plugin->value);
      run.tasks.emplace_back().name = name;
      if (text != nullptr) run.tasks.back().plugin = *text;
    }
  } catch (const std::exception& failure) {
    run.notes.emplace_back(failure.what());
  }
}

std::optional<double> optional_number(const Json& object, const char* key) {
  const double value = number_at(object, key);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> optional_count(const Json& object, const char* key) {
  const double value = number_at(object, key);
  return std::abs(value) < 9e15 ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
}

void read_task_summary(const Json& entry, TaskRun& task) {
  task.primary = text_at(entry, "primary");
  task.is_lower_better = part_at(entry, "lower_is_better") == true;
  task.before = optional_number(entry, "before");
  task.majority = optional_number(entry, "majority");
  task.failure = text_at(entry, "failure");
  task.checkpoint_step = optional_count(entry, "checkpoint_step");
  const auto& diverged = part_at(entry, "diverged");
  if (diverged.is_object()) task.diverged = {number_at(diverged, "first_loss"), number_at(diverged, "last_loss")};
  const auto& sets = part_at(entry, "sets");
  if (!sets.is_object()) return;
  for (const auto& [set, scores] : sets.items()) task.sets[set] = scores_of(scores);
}

// Those that the suite has not, or that it could not tell.
void add_tasks(const Json& tasks, RunData& run) {
  if (!tasks.is_object()) return;
  for (const auto& [name, entry] : tasks.items()) {
    if (run.task(name) != nullptr) continue;
    run.tasks.emplace_back().name = name;
    run.tasks.back().plugin = text_at(entry, "plugin");
  }
}

// A run that goes on has no summary yet, but its checkpoints know which scores count.
void read_primary_scores(const RunFolder& folder, RunData& run) {
  const auto file = folder.checkpoints() / "last" / checkpoint::kReportFile;
  std::error_code error;
  std::map<std::string, Score> primary;
  try {
    if (fs::exists(file, error)) primary = read_memory(file).primary;
  } catch (const std::exception&) {  // being written
  }
  for (auto& task : run.tasks) {
    if (const auto found = primary.find(task.name); found != primary.end()) {
      task.primary = found->second.name;
      task.is_lower_better = found->second.direction == Direction::kLowerIsBetter;
    } else if (task.primary.empty() && !task.dev.empty() && !task.dev.front().scores.empty()) {
      task.primary = task.dev.front().scores.front().first;
    }
  }
}

// The score before the first step stands in the metrics from the start.
void complete_before(TaskRun& task) {
  if (task.before || task.dev.empty() || task.dev.front().step > 0) return;
  const double value = score_of(task.dev.front().scores, task.primary);
  if (std::isfinite(value)) task.before = value;
}

void read_shown(const RunFolder& folder, RunData& run) {
  for (auto& task : run.tasks) {
    std::set<std::string> sets = {"dev"};
    for (const auto& [set, scores] : task.sets) sets.insert(set);
    for (const auto& set : sets) {
      auto shown = read_json(folder.shown_file(task.name, set), run);
      if (shown.is_object()) task.shown[set] = std::move(shown);
    }
  }
}

void read_checkpoints(const RunFolder& folder, RunData& run) {
  try {
    std::error_code error;
    if (!fs::exists(folder.checkpoints(), error)) return;
    for (const auto& [step, path] : folder.all_checkpoints()) {
      const auto manifest = read_json(path / checkpoint::kManifestFile, run);
      run.checkpoints.push_back({path.filename().string(), {}, text_at(manifest, "content")});
    }
    std::set<fs::path> links;
    for (const auto& entry : fs::directory_iterator(folder.checkpoints())) {
      if (entry.is_symlink(error)) links.insert(entry.path());
    }
    for (const auto& link : links) {
      const auto target = fs::read_symlink(link, error).filename().string();
      for (auto& checkpoint : run.checkpoints) {
        if (checkpoint.folder == target) checkpoint.links.push_back(link.filename().string());
      }
    }
  } catch (const std::exception& failure) {  // a checkpoint that goes while it is looked at
    run.notes.emplace_back(failure.what());
  }
}

}  // namespace

double number_at(const Json& object, const char* key) {
  const auto& part = part_at(object, key);
  return part.is_number() ? part.get<double>() : kNaN;
}

std::string text_at(const Json& object, const char* key) {
  const auto& part = part_at(object, key);
  return part.is_string() ? part.get<std::string>() : "";
}

const Json& part_at(const Json& object, const std::string& key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

double score_of(const Scores& scores, const std::string& name) {
  for (const auto& [score, value] : scores) {
    if (score == name) return value;
  }
  return kNaN;
}

double TaskRun::dev_score() const {
  if (const auto found = sets.find("dev"); found != sets.end()) return score_of(found->second, primary);
  if (dev.empty() || dev.back().step <= 0) return kNaN;
  return score_of(dev.back().scores, primary);
}

std::map<std::string, Scores> TaskRun::newest_scores() const {
  auto newest = sets;
  if (newest.empty() && !dev.empty()) newest["dev"] = dev.back().scores;
  return newest;
}

std::string RunData::ending() const {
  const auto text = text_at(summary, "ending");
  return text.empty() ? "going on" : text;
}

std::string RunData::suite_name() const {
  auto text = text_at(summary, "suite");
  if (!text.empty()) return text;
  for (const auto& [key, value] : settings) {
    if (key == "name" && value.size() > 2) return value.substr(1, value.size() - 2);
  }
  return name;
}

const TaskRun* RunData::task(const std::string& task_name) const {
  const auto found =
      std::find_if(tasks.begin(), tasks.end(), [&](const TaskRun& task) { return task.name == task_name; });
  return found == tasks.end() ? nullptr : &*found;
}

double RunData::dev_score_of(const TaskRun& same) const {
  const auto* own = task(same.name);
  return own == nullptr || own->primary != same.primary ? kNaN : own->dev_score();
}

RunData read_run(const RunFolder& folder) {
  RunData run;
  run.path = folder.path().lexically_normal().string();
  while (run.path.size() > 1 && run.path.back() == '/') run.path.pop_back();
  run.name = fs::path(run.path).filename().string();
  read_suite(folder, run);
  run.summary = read_json(folder.summary_file(), run);
  run.analysis = read_json(folder.analysis_file(), run);
  add_tasks(part_at(run.summary, "tasks"), run);
  read_metrics(folder.metrics_file(), run);
  for (auto& task : run.tasks) {
    const auto& entry = part_at(part_at(run.summary, "tasks"), task.name);
    if (entry.is_object()) read_task_summary(entry, task);
  }
  if (!run.summary.is_object()) read_primary_scores(folder, run);
  for (auto& task : run.tasks) complete_before(task);
  read_shown(folder, run);
  read_checkpoints(folder, run);
  return run;
}

}  // namespace berth::report::html

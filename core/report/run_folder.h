// The folder of one run: where everything lies in it, for the command that writes it and those that read it.
//
//   suite.toml  metrics.jsonl  summary.json  analysis.json  checkpoints/step-N, best, last
//   predictions/TASK.SET.jsonl  predictions/TASK.SET.shown.json  report.html  tensorboard/
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/suite/suite.h"

namespace berth::report {

class RunFolder {
 public:
  // Makes the folder and writes the suite as resolved. Throws Error kConfig where it exists and is not empty, kIo where
  // it can't be made.
  static RunFolder create(const std::filesystem::path& path, const suite::Suite& suite);

  // runs/NAME, or the first free of runs/NAME-2, -3, ... in the current folder.
  static std::filesystem::path free_path(const std::string& suite_name);

  // An existing run. Throws Error kIo where it holds no suite.toml.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path suite_file() const { return path_ / "suite.toml"; }
  std::filesystem::path metrics_file() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path summary_file() const { return path_ / "summary.json"; }
  std::filesystem::path analysis_file() const { return path_ / "analysis.json"; }
  std::filesystem::path predictions_file(const std::string& task, const std::string& set) const;
  // A Metric's ResultFile: predictions/TASK.SET.SUFFIX.
  std::filesystem::path result_file(const std::string& task, const std::string& set, const std::string& suffix) const;
  // What people are shown of the answers: core/report/shown_answers.h.
  std::filesystem::path shown_file(const std::string& task, const std::string& set) const;
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path step_folder(std::int64_t step) const;

  // "best", "last", or the folder of a checkpoint. task: whose best; the run's where the task has none of its own, or
  // none is named. Throws Error kIo where it is missing, kConfig for another word.
  std::filesystem::path checkpoint(const std::string& which, const std::string& task = "") const;

  // Every checkpoint that is there, by step.
  std::map<std::int64_t, std::filesystem::path> all_checkpoints() const;

  // The newest checkpoint that is whole, as are those that were the best then: what the run can go on from. skipped:
  // told what is wrong with each newer one. Throws Error kIo where there is none.
  std::filesystem::path newest_whole(const std::function<void(const std::string&)>& skipped) const;

  // To the checkpoint that training.not_finite = "back" brings back, in checkpoints().
  static constexpr const char* kBackLink = "back";

  // Of a task that has a best checkpoint of its own ([evaluation] select_by = "each"), in checkpoints().
  static std::string best_link(const std::string& task) { return "best-" + task; }

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

// Whether the run in this folder has come to its end, as its summary says. Not so: it never began, goes on, was
// interrupted, or failed.
bool is_finished(const std::filesystem::path& run);

// What summary.json's `ending` then is: "completed" or "stopped early".
bool is_finished_ending(std::string_view ending);

}  // namespace berth::report

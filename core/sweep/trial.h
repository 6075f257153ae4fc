// One run of a sweep or a matrix: the suite that it trains, the folder that is its own, and how it came out.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/report/run_folder.h"
#include "core/suite/suite.h"

namespace berth::sweep {

struct Trial {
  suite::Suite suite;  // as resolved
  std::string id;      // of everything that the suite says and that a result depends on: the same settings, the same id
  std::string title;   // for people: "optimizer.rate=2e-05 seed 1"
};

Trial make_trial(suite::Suite suite, std::string title);

// Where the trials lie below the folder of a sweep or a matrix: trials/ID, the run; ID.toml, its suite; ID.log, what it
// said.
class TrialFolder {
 public:
  TrialFolder(const std::filesystem::path& folder, const std::string& id) : base_(folder / "trials" / id) {}

  const std::filesystem::path& run() const { return base_; }
  std::filesystem::path suite_file() const { return with(".toml"); }
  std::filesystem::path log_file() const { return with(".log"); }
  std::filesystem::path file(const std::string& suffix) const { return with(suffix); }

  // The run has come to its end: its summary says so.
  bool is_finished() const;

 private:
  std::filesystem::path with(const std::string& suffix) const { return base_.string() + suffix; }

  std::filesystem::path base_;
};

struct Outcome {
  std::optional<double> score;  // on dev, of the best checkpoint; nothing where the run has none
  bool is_lower_better = false;
  std::string failure;  // "" for none; else its cause: "no better than the majority (0.5200)"
  double seconds = 0;   // of training
};

// task: whose primary score counts; "mean": that of all. A run has failed where a task that counts has; see
// report::summary_json().
// Throws Error kContent for a summary that is none of ours.
Outcome read_outcome(const TrialFolder& folder, const std::string& task);

}  // namespace berth::sweep

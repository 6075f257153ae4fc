// What the files of a run folder say, read for its report. A run that goes on lacks some of them, one that was killed
// has a file cut in the middle: what can't be read is left out and told. Used by html_report.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/report/run_folder.h"

namespace berth::report::html {

using Json = nlohmann::ordered_json;

using Scores = std::vector<std::pair<std::string, double>>;  // in the file's order; NaN where not defined

// The value, NaN where there is none.
double score_of(const Scores& scores, const std::string& name);

// Lines of metrics.jsonl.
struct TrainLine {
  double step = 0;
  double loss = 0;
  double steps = 0;  // of the task since the line before
  double weight = 1;
  double rate = 0;
  double gradient_norm = 0;
  double seconds = 0;  // of training so far
};

struct EvaluationLine {
  double step = 0;
  Scores scores;
};

struct NotFiniteLine {
  double step = 0;
  std::string what, action;
  std::vector<std::string> examples;  // "file:line"
};

struct ParameterLine {
  std::string name, group, status;
  double rate = 0;
  double weight_decay = 0;
  std::int64_t numbers = 0;
};

struct TaskRun {
  std::string name;
  std::string plugin;
  std::string primary;  // score; "" where it is not known yet
  bool is_lower_better = false;
  std::optional<double> before;                       // the primary score before the first step
  std::optional<double> majority;                     // of the most frequent label
  std::string failure;                                // why it counts as having learned nothing; "" where it does not
  std::optional<std::pair<double, double>> diverged;  // first and last loss
  std::optional<std::int64_t> checkpoint_step;        // that `sets` was asked of
  std::vector<TrainLine> train;
  std::vector<EvaluationLine> dev;     // during training
  std::map<std::string, Scores> sets;  // after training
  std::map<std::string, Json> shown;   // of each set, predictions/TASK.SET.shown.json

  // The primary score on dev: after training where it is known, else of the last evaluation. NaN: none yet.
  double dev_score() const;
  // `sets`, or the last evaluation in training as "dev"; empty: none yet.
  std::map<std::string, Scores> newest_scores() const;
};

struct CheckpointLine {
  std::string folder;              // "step-120"
  std::vector<std::string> links;  // "best", "last"
  std::string content;             // the hash of what was learned
};

struct RunData {
  std::string name;  // of the folder
  std::string path;
  std::string suite_text;
  std::vector<std::pair<std::string, std::string>> settings;  // "training.seed", "42", in the suite's order
  Json summary;                                               // null where there is none yet
  Json analysis;                                              // likewise
  std::vector<TaskRun> tasks;                                 // in the suite's order
  std::vector<ParameterLine> plan;
  std::optional<std::int64_t> total_steps;
  std::vector<NotFiniteLine> not_finite;
  std::vector<CheckpointLine> checkpoints;
  std::vector<std::string> notes;  // what could not be read

  // Of summary.json; "going on" without one.
  std::string ending() const;
  std::string suite_name() const;
  const TaskRun* task(const std::string& task_name) const;  // null where it has none of that name
  // This run's dev_score() of the same task; NaN where it has none of that name, or it counts another score.
  double dev_score_of(const TaskRun& same) const;
};

// Throws nothing for what the files hold.
RunData read_run(const RunFolder& folder);

// A number of a JSON object; NaN where it is none.
double number_at(const Json& object, const char* key);
// A text of a JSON object; "" where it is none.
std::string text_at(const Json& object, const char* key);
// A part of a JSON object; null where there is none.
const Json& part_at(const Json& object, const std::string& key);

}  // namespace berth::report::html

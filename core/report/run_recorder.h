// Writes down a run while it goes on: metrics.jsonl, the console, checkpoints; and at its end summary.json.
#pragma once

#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/report/console.h"
#include "core/report/run_folder.h"
#include "core/training/trainer.h"

namespace berth::report {

class RunRecorder final : public training::TrainingEvents {
 public:
  // wants_stop: asked after each step.
  RunRecorder(const RunFolder& folder, const training::Session& session, Console& console,
              std::function<bool()> wants_stop);

  void starting(const training::ParameterPlan& plan, std::int64_t total_steps) override;
  void stepped(const training::StepEvent& event) override;
  void evaluated(const training::EvaluationEvent& event) override;
  void checkpoint(std::int64_t step, bool is_best) override;
  bool wants_stop() override { return wants_stop_(); }

  // A set evaluated after training, with the best checkpoint.
  void final_set(const std::string& task, const std::string& set, const evaluation::Evaluation& evaluation);

  // Writes summary.json and says the essential on the console.
  void finish(const training::TrainingResult& result);

  std::int64_t best_step() const { return best_step_; }
  std::int64_t last_step() const { return last_step_; }

 private:
  // Losses since the last line of metrics.jsonl.
  struct Interval {
    double loss = 0;
    std::int64_t steps = 0;
  };
  struct Tracked {  // one score over the evaluations of dev
    double final_value = 0;
    double best_value = 0;
    std::int64_t best_step = 0;
  };

  void write_metrics_line(const std::string& json);
  void log_interval(const training::StepEvent& event);
  void track(const std::string& task, const evaluation::Evaluation& evaluation, std::int64_t step);
  void prune();

  const RunFolder& folder_;
  const training::Session& session_;
  Console& console_;
  std::function<bool()> wants_stop_;
  std::ofstream metrics_;
  std::map<std::string, Interval> interval_;
  double seconds_to_first_step_ = 0;
  double last_shown_ = -1;  // seconds of training at the last progress line
  std::int64_t best_step_ = -1;
  std::int64_t last_step_ = -1;
  std::vector<std::int64_t> kept_;                                             // steps with a checkpoint on disk
  std::map<std::string, std::map<std::string, Tracked>> dev_;                  // task, score
  std::map<std::string, std::string> primary_;                                 // of each task
  std::map<std::string, std::map<std::string, evaluation::Evaluation>> sets_;  // task, set
};

}  // namespace berth::report

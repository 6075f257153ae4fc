// Writes down a run while it goes on: metrics.jsonl, the console, checkpoints; and at its end summary.json.
#pragma once

#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/checkpoint/run_checkpoint.h"
#include "core/report/console.h"
#include "core/report/run_folder.h"
#include "core/training/trainer.h"

namespace berth::report {

class RunRecorder final : public training::TrainingEvents {
 public:
  // wants_stop: asked after each step, and within evaluations.
  RunRecorder(const RunFolder& folder, const training::Session& session, Console& console,
              std::function<bool()> wants_stop);

  void starting(const training::ParameterPlan& plan, std::int64_t total_steps) override;
  void stepped(const training::StepEvent& event) override;
  void compared(const training::ComparisonEvent& event) override;
  void cached(const training::CacheEvent& event) override;
  void debiased(const training::DebiasEvent& event) override;
  void evaluated(const training::EvaluationEvent& event) override;
  void checkpoint(std::int64_t step, const training::Selection::Verdict& verdict) override;
  bool wants_stop() override { return wants_stop_(); }

  // What finish() asks about each task's debiasing; outlives this.
  void follow(const training::Trainer& trainer) { trainer_ = &trainer; }

  // A set evaluated after training, with the best checkpoint.
  void final_set(const std::string& task, const std::string& set, const evaluation::Evaluation& evaluation);

  // Writes summary.json and says the essential on the console.
  void finish(const training::TrainingResult& result);

 private:
  // Losses since the last line of metrics.jsonl.
  struct Interval {
    double loss = 0;
    std::int64_t steps = 0;
    double weight = 1;  // at the last of the steps
  };
  struct Tracked {  // one score over the evaluations of dev
    double final_value = 0;
    double best_value = 0;
    std::int64_t best_step = 0;
  };
  struct Cosine {  // between two tasks' gradients, over the run
    double sum = 0;
    double least = 1;
    std::int64_t count = 0;
    std::int64_t negative = 0;
  };

  std::int64_t best_step_of(const std::string& task) const;
  const std::string& task_name(std::size_t task) const;
  std::string losses_text(const training::StepEvent& event) const;
  void write_metrics_line(const std::string& json);
  void log_interval();
  void track(const std::string& task, const evaluation::Evaluation& evaluation, std::int64_t step);
  void describe_interplay();
  void describe_debiasing(std::size_t task);
  void prune();
  checkpoint::AdapterContents adapter() const;

  const RunFolder& folder_;
  const training::Session& session_;
  Console& console_;
  std::function<bool()> wants_stop_;
  const training::Trainer* trainer_ = nullptr;
  std::ofstream metrics_;
  std::vector<training::Adapter> adapters_;
  std::map<std::string, Interval> interval_;
  training::StepEvent last_step_;
  double seconds_to_first_step_ = 0;
  double last_shown_ = -1;  // seconds of training at the last progress line
  std::int64_t best_step_ = -1;
  std::map<std::string, std::int64_t> linked_;                                 // step that each link leads to
  std::vector<std::int64_t> kept_;                                             // steps with a checkpoint on disk
  std::map<std::pair<std::string, std::string>, Cosine> cosines_;              // by two tasks
  std::map<std::string, double> before_;                                       // primary score before the first step
  std::map<std::string, double> after_own_turn_;                               // primary score, where tasks have turns
  std::map<std::string, std::map<std::string, Tracked>> dev_;                  // task, score
  std::map<std::string, Score> primary_;                                       // the last of each task
  std::map<std::string, std::map<std::string, evaluation::Evaluation>> sets_;  // task, set
};

}  // namespace berth::report

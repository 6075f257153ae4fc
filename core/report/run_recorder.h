// Writes down a run while it goes on: metrics.jsonl, TensorBoard's event file, the console, checkpoints; and at its end
// summary.json.
#pragma once

#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/checkpoint/run_checkpoint.h"
#include "core/report/console.h"
#include "core/report/event_file.h"
#include "core/report/run_folder.h"
#include "core/report/run_memory.h"
#include "core/report/run_summary.h"
#include "core/training/trainer.h"

namespace berth::report {

class RunRecorder final : public training::TrainingEvents {
 public:
  // wants_stop: asked after each step, and within evaluations.
  RunRecorder(const RunFolder& folder, const training::Session& session, Console& console,
              std::function<bool()> wants_stop);

  // Takes up what was known at a checkpoint of this folder, before training goes on from there: metrics.jsonl ends
  // where it ended then, TensorBoard drops what came after, and links lead where they led. Throws Error kContent, kIo.
  void go_on_from(const std::filesystem::path& folder);

  void starting(const training::ParameterPlan& plan, std::int64_t total_steps) override;
  void stepped(const training::StepEvent& event) override;
  void compared(const training::ComparisonEvent& event) override;
  void cached(const training::CacheEvent& event) override;
  void debiased(const training::DebiasEvent& event) override;
  void evaluated(const training::EvaluationEvent& event) override;
  void not_finite(const training::NotFiniteEvent& event) override;
  void checkpoint(const training::CheckpointEvent& event) override;
  std::filesystem::path checkpoint_folder(std::int64_t step) const override { return folder_.step_folder(step); }
  void resumed(std::int64_t step) override;
  bool wants_stop() override { return wants_stop_(); }

  // What finish() asks about each task's debiasing; outlives this.
  void follow(const training::Trainer& trainer) { trainer_ = &trainer; }

  // A set evaluated after training, with the best checkpoint.
  void final_set(const std::string& task, const std::string& set, const evaluation::Evaluation& evaluation);

  // The step that the newest checkpoint is of, where there is one.
  std::optional<std::int64_t> saved_step() const;

  // Writes summary.json and says the essential on the console.
  void finish(const training::TrainingResult& result);

 private:
  const std::string& task_name(std::size_t task) const;
  std::string losses_text(const training::StepEvent& event) const;
  void write_metrics_line(const Json& line);
  [[noreturn]] void fail_metrics() const;
  void log_interval();
  void track(const std::string& task, const evaluation::Evaluation& evaluation, std::int64_t step);
  void open_metrics();
  void point_links();
  void prune();
  checkpoint::AdapterContents adapter() const;

  const RunFolder& folder_;
  const training::Session& session_;
  Console& console_;
  std::function<bool()> wants_stop_;
  const training::Trainer* trainer_ = nullptr;
  std::ofstream metrics_;
  std::optional<EventFile> events_;  // where the suite wants one
  bool is_repeating_ = false;        // what metrics.jsonl has already
  bool has_lost_lines_ = false;      // of metrics.jsonl, or of the event file
  std::vector<training::Adapter> adapters_;
  double last_shown_ = -1;  // seconds of training at the last progress line
  RunMemory memory_;
  std::vector<std::int64_t> kept_;  // steps with a checkpoint on disk
  FinalSets sets_;
};

}  // namespace berth::report

// What is kept of a set's answers for people to look at: predictions/TASK.SET.shown.json, written by `berth run` and
// `berth evaluate`, read by the report.
//   {"examples": N, "wrong": M,                                              M only where the task decides anything
//    "confusion": {"labels": [...], "counts": [[...]]},                      rows: truth, columns: answer
//    "calibration": {"bins": [{"low", "high", "count", "confidence", "accuracy"}], "ece": x},
//    "worst": [what shown_json() gives, the worst first]}
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin/loaded_task.h"
#include "core/report/shown_json.h"

namespace berth::report {

// Sees the answers of one set. Its memory is bounded, however many there are.
class AnswerCollector {
 public:
  static constexpr std::size_t kWorst = 50;
  static constexpr std::size_t kLabels = 30;  // of the confusion matrix
  static constexpr std::size_t kBins = 10;    // of equal width; a confidence on the border of two is in the lower one

  // where: the example's.
  void add(const Shown& shown, const Where& where);

  // Labels are in order, then "(none)" (what a decision has as "") and "(others)": the rarest, where there are more
  // than kLabels. There is no confusion where the decisions know fewer than two labels, and no calibration where none
  // has a confidence. A decision with neither truth nor answer counts for calibration alone.
  Json result() const;

  // Writes it. Throws Error kIo.
  void write(const std::filesystem::path& file) const;

  // For several collectors that each saw a part of a set: what one has seen, and to take that of the next part.
  Json state() const;
  void merge(const Json& state);

 private:
  struct Bin {
    std::int64_t count = 0;
    double confidence = 0;  // sum
    std::int64_t right = 0;
  };
  struct Kept {
    double error = 0;
    std::int64_t index = 0;  // of equal ones the first is the worse
    Json shown;
  };

  static bool is_worse(const Kept& a, const Kept& b);
  void keep_if_bad(const Shown& shown, const Where& where);
  void keep(Kept kept);
  void count(const Decision& decision);
  std::size_t index_of(const std::string& label);
  Json confusion() const;
  Json calibration() const;

  std::int64_t examples_ = 0;
  std::int64_t wrong_ = 0;
  bool has_decisions_ = false;                                          // else nobody knows what is wrong
  std::map<std::string, std::size_t> labels_;                           // to their index in counts_
  std::map<std::pair<std::size_t, std::size_t>, std::int64_t> counts_;  // by truth and answer
  std::array<Bin, kBins> bins_;
  std::vector<Kept> worst_;  // a heap; the least bad is in front
};

// The answers of a task's set. A task that fails at showing one costs the set these, and the run nothing.
class TaskAnswers {
 public:
  // task: outlives this.
  explicit TaskAnswers(const plugin::LoadedTask& task) : task_(task) {}

  void add(const Example& example, const Prediction& prediction);

  // As AnswerCollector's. states: of all parts, this one's among them.
  std::string state() const;
  void merge(const std::vector<std::string>& states);

  // Writes them, unless the task failed. Returns why there are none, or "".
  std::string write(const std::filesystem::path& file) const;

 private:
  const plugin::LoadedTask& task_;
  AnswerCollector collector_;
  std::string failure_;
};

}  // namespace berth::report

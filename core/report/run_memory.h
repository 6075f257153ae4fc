// What the report of a run knows at a step, from what training told so far. It lies in every checkpoint, so that the
// report of a run that goes on is that of one that never stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "berth/metric.h"

namespace berth::report {

struct RunMemory {
  // A task's losses since the last line of metrics.jsonl.
  struct Interval {
    double loss = 0;
    std::int64_t steps = 0;
    double weight = 1;  // at the last of the steps
  };
  struct Course {  // of a task's loss: at its first step, and a moving mean of some ten steps
    double first = 0;
    double last = 0;
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

  struct Step {  // the last one
    std::int64_t step = 0;
    double epoch = 0;
    double rate = 0;
    double gradient_norm = 0;
    double training_seconds = 0;
  };

  std::uintmax_t metrics_bytes = 0;  // of metrics.jsonl
  Step last;
  double seconds_to_first_step = 0;
  std::int64_t best_step = -1;
  std::map<std::string, std::int64_t> links;  // step that each link leads to
  std::map<std::string, Interval> intervals;
  std::map<std::string, Course> courses;
  std::map<std::string, std::int64_t> not_finite;                 // what was done about it: how often
  std::map<std::pair<std::string, std::string>, Cosine> cosines;  // by two tasks
  std::map<std::string, double> before;                           // primary score before the first step
  std::map<std::string, double> after_own_turn;                   // primary score, where tasks have turns
  std::map<std::string, std::map<std::string, Tracked>> dev;      // task, score
  std::map<std::string, Score> primary;                           // the last of each task; read_memory() has no value
};

std::string to_json(const RunMemory& memory);

// Throws Error kIo, and kContent for what is none of ours.
RunMemory read_memory(const std::filesystem::path& file);

}  // namespace berth::report

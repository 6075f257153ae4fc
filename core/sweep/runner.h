// Runs trials as processes, several at once, and goes on where an earlier call ended. Called by `berth sweep` and
// `berth matrix`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/sweep/trial.h"

namespace berth::sweep {

// How a trial's process ended.
struct Ending {
  int code = 0;                   // the process's
  std::string message;            // of an error: the last line that it said
  bool was_there_before = false;  // finished by an earlier call
};

class TrialQueue {
 public:
  virtual ~TrialQueue() = default;

  // The next trial. Nothing: there is none before one that runs has ended, or there is none at all.
  virtual std::optional<Trial> next() = 0;
  virtual void ended(const Trial& trial, const Ending& ending) = 0;
};

struct RunnerOptions {
  std::filesystem::path folder;        // of the sweep or the matrix
  std::int64_t jobs = 1;               // at once
  std::int64_t threads = 1;            // of all together
  std::vector<std::string> arguments;  // further ones of `berth run`
  std::function<bool()> wants_stop;
};

enum class RunnerEnd : std::uint8_t { kDone, kStopped };

// A trial that is finished in the folder is not run again; one that is there in part, or failed, is. Where it is
// stopped, the trials that run are ended at once and count as never started.
RunnerEnd run_trials(TrialQueue& queue, const RunnerOptions& options);

}  // namespace berth::sweep

// What a run came to: summary.json and the sentences about it, among them whether it learned anything at all. Made by
// RunRecorder at the end of a run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluation/evaluator.h"
#include "core/report/run_memory.h"
#include "core/training/trainer.h"

namespace berth::report {

// Evaluations of the best checkpoints after training: by task, then set.
using FinalSets = std::map<std::string, std::map<std::string, evaluation::Evaluation>>;

struct RunOutcome {
  const training::Session& session;
  const training::TrainingResult& result;
  const RunMemory& memory;
  const FinalSets& sets;
  const training::Trainer* trainer;  // asked about each task's debiasing; null: there is none to ask
};

// The step of the task's best checkpoint, its own or the run's; -1 where there is none.
std::int64_t best_step_of(const RunMemory& memory, const std::string& task);

// A task has failed where its score on dev, by its best checkpoint, is not a number, is 0 where more is better, or no
// better than what needs no learning: the score before the first step ([evaluation] before), and the share of the most
// frequent label, as far as they are known. That is its "failure" in summary.json; "diverged", that its loss ended much
// higher than it began.
std::string summary_json(const RunOutcome& outcome);

std::vector<std::string> summary_lines(const RunOutcome& outcome);

}  // namespace berth::report

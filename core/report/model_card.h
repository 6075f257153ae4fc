// README.md of an exported model: the model card that the Hugging Face hub and its tools read. It says what is known
// (what the model was made of, its scores, the suite) and leaves to the author what only he knows: what it is for, and
// under which licence. Called by `berth export`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/suite/suite.h"

namespace berth::report {

// By set: names and values in the task's order. Those that are no numbers are left out.
using CardScores = std::map<std::string, std::vector<std::pair<std::string, double>>>;

// What a run's metrics.jsonl says about a task at the step of a checkpoint: its final scores, else those of the
// evaluation at that step, else nothing. Throws Error kIo where the file is there but can't be read.
CardScores scores_at(const std::filesystem::path& metrics, const std::string& task, std::int64_t step);

struct ModelCard {
  std::string name;         // of the folder
  std::string config_json;  // of the folder; a class of transformers that is not known is told as an encoder alone
  const suite::TaskConfig& task;
  const suite::Suite& suite;  // paths in it are told by their last part: the folders of a machine are nobody's concern
  std::int64_t step = 0;
  CardScores scores;
};

std::string model_card(const ModelCard& card);

}  // namespace berth::report

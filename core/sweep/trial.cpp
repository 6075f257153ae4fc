#include "core/sweep/trial.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "core/model/json_text.h"
#include "core/training/random.h"

namespace berth::sweep {
namespace {

using Json = nlohmann::ordered_json;

std::optional<double> number_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

// What the run has to say of one task.
struct TaskOutcome {
  std::optional<double> score;
  bool is_lower_better;
  std::string failure;
};

TaskOutcome task_outcome(const std::string& name, const Json& task) {
  const auto primary = task.at("primary").get<std::string>();
  TaskOutcome outcome{number_at(task.at("sets").at("dev"), primary.c_str()), task.contains("lower_is_better"), ""};
  if (!outcome.score) {
    outcome.failure = fmt::format("{}: {} on dev is not a number", name, primary);
  } else if (task.contains("failure")) {
    outcome.failure = fmt::format("{}: {}", name, task.at("failure").get<std::string>());
  }
  return outcome;
}

}  // namespace

Trial make_trial(suite::Suite suite, std::string title) {
  auto same = suite;
  same.training.threads = 0;  // how many there are is the sweep's to say
  const auto id = fmt::format("{:016x}", training::hash_name(suite::to_toml(same)));
  return {std::move(suite), id, std::move(title)};
}

bool TrialFolder::is_finished() const { return report::is_finished(run()); }

Outcome read_outcome(const TrialFolder& folder, const std::string& task) {
  const auto file = folder.run() / "summary.json";
  try {
    const auto summary = model::parse_ordered_json(model::read_text(file), file.string());
    Outcome outcome;
    outcome.seconds = summary.at("training_seconds").get<double>();
    double sum = 0;
    double count = 0;
    for (const auto& [name, entry] : summary.at("tasks").items()) {
      if (task != "mean" && name != task) continue;
      const auto one = task_outcome(name, entry);
      outcome.is_lower_better = one.is_lower_better;
      if (outcome.failure.empty()) outcome.failure = one.failure;
      if (!one.score) return {std::nullopt, one.is_lower_better, one.failure, outcome.seconds};
      sum += *one.score;
      ++count;
    }
    outcome.score = sum / count;
    return outcome;
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kContent, {file.string()},
                fmt::format("this is no summary that berth wrote ({}); remove {} and start again", error.what(),
                            folder.run().string()));
  }
}

}  // namespace berth::sweep

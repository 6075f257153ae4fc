#include "core/report/html/metrics_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <limits>

#include "core/model/json_text.h"

namespace berth::report::html {
namespace {

void read_plan(const Json& line, RunData& run) {
  const double steps = number_at(line, "total_steps");
  if (steps >= 0 && steps < 9e15) run.total_steps = static_cast<std::int64_t>(steps);
  run.plan.clear();
  for (const auto& entry : part_at(line, "parameters")) {
    ParameterLine parameter;
    parameter.name = text_at(entry, "name");
    parameter.group = text_at(entry, "group");
    parameter.status = text_at(entry, "status");
    parameter.rate = number_at(entry, "rate");
    parameter.weight_decay = number_at(entry, "weight_decay");
    const auto& numbers = part_at(entry, "numbers");
    if (numbers.is_number_integer()) parameter.numbers = numbers.get<std::int64_t>();
    run.plan.push_back(std::move(parameter));
  }
}

void read_not_finite(const Json& line, RunData& run) {
  NotFiniteLine event;
  event.step = number_at(line, "step");
  event.what = text_at(line, "what");
  event.action = text_at(line, "action");
  if (const double back = number_at(line, "back_to"); std::isfinite(back)) {
    event.action += fmt::format(" to step {:.0f}", back);
  }
  for (const auto& place : part_at(line, "examples")) {
    const double number = number_at(place, "line");
    event.examples.push_back(text_at(place, "file") + (number > 0 ? fmt::format(":{:.0f}", number) : ""));
  }
  run.not_finite.push_back(std::move(event));
}

TaskRun* task_of(const Json& line, RunData& run) {
  const auto name = text_at(line, "task");
  const auto found = std::find_if(run.tasks.begin(), run.tasks.end(), [&](const auto& t) { return t.name == name; });
  return found == run.tasks.end() ? nullptr : &*found;
}

void read_task_line(const std::string& kind, const Json& line, TaskRun& task) {
  if (kind == "train") {
    task.train.push_back({number_at(line, "step"), number_at(line, "loss"), number_at(line, "steps"),
                          number_at(line, "weight"), number_at(line, "rate"), number_at(line, "gradient_norm"),
                          number_at(line, "training_seconds")});
  } else if (kind == "evaluation" && text_at(line, "set") == "dev") {
    task.dev.push_back({number_at(line, "step"), scores_of(part_at(line, "scores"))});
  } else if (kind == "final") {
    task.sets[text_at(line, "set")] = scores_of(part_at(line, "scores"));
  }
}

void read_line(const Json& line, RunData& run) {
  const auto kind = text_at(line, "kind");
  if (kind == "plan") return read_plan(line, run);
  if (kind == "not_finite") return read_not_finite(line, run);
  if (auto* task = task_of(line, run)) read_task_line(kind, line, *task);
}

}  // namespace

Scores scores_of(const Json& object) {
  Scores scores;
  if (!object.is_object()) return scores;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number() && !value.is_null()) continue;
    scores.emplace_back(name, value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN());
  }
  return scores;
}

void read_metrics(const std::filesystem::path& file, RunData& run) {
  std::ifstream in(file, std::ios::binary);
  std::int64_t unreadable = 0;
  for (std::string text; std::getline(in, text);) {
    try {
      read_line(model::parse_ordered_json(text, file.string()), run);
    } catch (const std::exception&) {
      if (!in.eof()) ++unreadable;
    }
  }
  if (unreadable == 0) return;
  run.notes.push_back(fmt::format("{}: {} lines are no JSON and left out", file.string(), unreadable));
}

}  // namespace berth::report::html

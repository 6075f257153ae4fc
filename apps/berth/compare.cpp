// berth compare: the scores of several runs beside each other; a task in a mix against the same task alone.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/berth/commands.h"
#include "apps/berth/compare_examples.h"
#include "core/model/json_text.h"
#include "core/report/run_folder.h"
#include "core/report/text_table.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage compare_usage() {
  Usage usage;
  usage.line = "berth compare RUN_DIR RUN_DIR...";
  usage.summary =
      "Puts the scores of runs beside each other, task by task. Where one of the runs has a task alone, the others "
      "show\n"
      "what the mix gained or lost against it. With --resamples: whether two runs differ by more than chance.";
  usage.examples =
      "  berth compare runs/all-four runs/ner runs/qa\n"
      "  berth compare runs/full runs/lora --resamples 1000\n";
  usage.positional.add("run", -1);
  add_json(usage.options);
  add_compare_options(usage.options);
  return usage;
}

namespace {

using Json = nlohmann::ordered_json;

struct Run {
  std::string name;
  Json summary;

  bool is_alone(const std::string& task) const {
    return summary["tasks"].size() == 1 && summary["tasks"].contains(task);
  }
};

// Throws Error kIo where the run has no summary (it goes on, or was killed), kContent for one that is none of ours.
Run read_run(const std::string& path) {
  const auto folder = report::RunFolder::open(path);
  const auto file = folder.summary_file();
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw Error(ErrorKind::kIo, {file.string()},
                "can't be read; a run has it once it has ended. Wait for the run, or leave it out");
  }
  Run run{path, model::parse_ordered_json(std::string(std::istreambuf_iterator<char>(in), {}), file.string())};
  const auto is_cosine = [](const Json& cosine) {
    return cosine.is_object() && cosine.value("tasks", Json()).size() == 2 && cosine["tasks"][0].is_string() &&
           cosine["tasks"][1].is_string() && cosine.value("mean", Json()).is_number() &&
           cosine.value("least", Json()).is_number() && cosine.value("share_negative", Json()).is_number() &&
           cosine.value("measured", Json()).is_number_integer();
  };
  const auto cosines = run.summary.is_object() ? run.summary.value("gradient_cosines", Json::array()) : Json::array();
  const auto is_task = [](const Json& task) { return task.is_object() && task.contains("primary"); };
  if (!run.summary.is_object() || !run.summary.contains("tasks") || !run.summary["tasks"].is_object() ||
      !std::all_of(run.summary["tasks"].begin(), run.summary["tasks"].end(), is_task) || !cosines.is_array() ||
      !std::all_of(cosines.begin(), cosines.end(), is_cosine)) {
    throw Error(ErrorKind::kContent, {file.string()}, "this is no summary that berth wrote; run the suite again");
  }
  return run;
}

// What is compared: a task's primary score on one of its sets.
struct Row {
  std::string task, set, score;
  bool is_lower_better = false;
};

std::vector<Row> rows_of(const std::vector<Run>& runs) {
  std::vector<Row> rows;
  for (const auto& run : runs) {
    for (const auto& [task, entry] : run.summary["tasks"].items()) {
      if (!entry["primary"].is_string() || !entry.contains("sets")) continue;
      for (const auto& [set, scores] : entry["sets"].items()) {
        Row row{task, set, entry["primary"].get<std::string>(), entry.value("lower_is_better", Json()) == true};
        const auto is_same = [&](const Row& r) {
          return r.task == row.task && r.set == row.set && r.score == row.score;
        };
        if (std::none_of(rows.begin(), rows.end(), is_same)) rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

std::optional<double> value_of(const Run& run, const Row& row) {
  const auto pointer = nlohmann::json_pointer<std::string>() / "tasks" / row.task / "sets" / row.set / row.score;
  if (!run.summary.contains(pointer)) return std::nullopt;
  const auto& value = run.summary[pointer];
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

// The mean over the runs that have the task by itself, with other seeds perhaps.
std::optional<double> alone_of(const std::vector<Run>& runs, const Row& row) {
  double sum = 0;
  int count = 0;
  for (const auto& run : runs) {
    const auto value = run.is_alone(row.task) ? value_of(run, row) : std::nullopt;
    if (!value) continue;
    sum += *value;
    ++count;
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

// "0.8123", and what that is more than alone: "0.8123 (+0.0110)".
std::string cell(const std::optional<double>& value, const std::optional<double>& alone) {
  if (!value) return "-";
  return alone ? fmt::format("{:.4f} ({:+.4f})", *value, *value - *alone) : fmt::format("{:.4f}", *value);
}

void print_scores(const std::vector<Run>& runs) {
  std::vector<std::vector<std::string>> table = {{"task", "set", "score"}};
  for (const auto& run : runs) table.front().push_back(run.name);
  bool any_alone = false;
  for (const auto& row : rows_of(runs)) {
    const auto alone = alone_of(runs, row);
    std::vector<std::string> cells = {row.task, row.set, row.score + (row.is_lower_better ? " (lower is better)" : "")};
    for (const auto& run : runs) {
      const bool is_mixed = alone && !run.is_alone(row.task);
      any_alone |= is_mixed;
      cells.push_back(cell(value_of(run, row), is_mixed ? alone : std::nullopt));
    }
    table.push_back(std::move(cells));
  }
  fmt::print("{}", report::text_table(table));
  if (any_alone) fmt::print("In brackets: against the task alone, the mean of the runs that have it so.\n");
  for (const auto& run : runs) {
    const auto& tasks = run.summary["tasks"];
    if (std::none_of(tasks.begin(), tasks.end(), [](const Json& task) { return task.contains("sets"); })) {
      fmt::print("{}: no scores; it was {}\n", run.name, run.summary.value("ending", "not ended"));
    }
  }
}

Json compared_json(const std::vector<Run>& runs) {
  Json json = {{"runs", Json::array()}, {"scores", Json::array()}};
  for (const auto& run : runs) {
    Json entry = {{"run", run.name}, {"ending", run.summary.value("ending", Json())}};
    if (run.summary.contains("gradient_cosines")) entry["gradient_cosines"] = run.summary["gradient_cosines"];
    json["runs"].push_back(std::move(entry));
  }
  for (const auto& row : rows_of(runs)) {
    Json entry = {{"task", row.task}, {"set", row.set}, {"score", row.score}};
    if (row.is_lower_better) entry["lower_is_better"] = true;
    for (const auto& run : runs) {
      const auto value = value_of(run, row);
      entry["values"].push_back(value ? Json(*value) : Json());
    }
    if (const auto alone = alone_of(runs, row)) entry["alone"] = *alone;
    json["scores"].push_back(std::move(entry));
  }
  return json;
}

void print_cosines(const std::vector<Run>& runs) {
  std::vector<std::vector<std::string>> table = {{"run", "gradients of", "mean cosine", "least", "against each other"}};
  for (const auto& run : runs) {
    if (!run.summary.contains("gradient_cosines")) continue;
    for (const auto& entry : run.summary["gradient_cosines"]) {
      table.push_back({run.name, entry["tasks"][0].get<std::string>() + ", " + entry["tasks"][1].get<std::string>(),
                       fmt::format("{:+.3f}", entry["mean"].get<double>()),
                       fmt::format("{:+.3f}", entry["least"].get<double>()),
                       fmt::format("{:.0f}% of {}", 100 * entry["share_negative"].get<double>(),
                                   entry["measured"].get<std::int64_t>())});
    }
  }
  if (table.size() < 2) return;
  fmt::print("\n");
  fmt::print("{}", report::text_table(table));
}

}  // namespace

int compare(const Arguments& arguments) {
  auto command = compare_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto paths = values->contains("run") ? (*values)["run"].as<Arguments>() : Arguments();
  if (paths.size() < 2) {
    throw Error(ErrorKind::kConfig, "two or more run folders are needed to compare; usage: " + command.line);
  }
  if (values->contains("resamples")) {
    compare_examples(*values, paths);
    return 0;
  }
  std::vector<Run> runs;
  runs.reserve(paths.size());
  for (const auto& path : paths) runs.push_back(read_run(path));
  if (wants_json(*values)) {
    print_json(compared_json(runs));
    return 0;
  }
  print_scores(runs);
  print_cosines(runs);
  return 0;
}

}  // namespace berth::app

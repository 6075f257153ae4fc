#include "core/report/run_folder.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/checkpoint/manifest.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"
#include "core/report/run_memory.h"

namespace berth::report {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kStep = "step-";

}  // namespace

RunFolder RunFolder::create(const fs::path& path, const suite::Suite& suite) {
  std::error_code error;
  if (fs::exists(path / "suite.toml", error)) {
    throw Error(ErrorKind::kConfig,
                fmt::format("{} holds a run already; give --out another folder, or remove this one", path.string()));
  }
  if (fs::exists(path, error)) {
    const bool is_empty = fs::is_empty(path, error);
    if (error) throw Error(ErrorKind::kIo, {path.string()}, "the folder can't be read: " + error.message());
    if (!is_empty) {
      throw Error(ErrorKind::kConfig,
                  fmt::format("{} exists and is not empty; give --out a new or an empty folder", path.string()));
    }
  }
  RunFolder run(fs::absolute(path));
  try {
    for (const auto& folder : {run.path_, run.path_ / "predictions", run.checkpoints()}) {
      fs::create_directories(folder, error);
      if (!error) continue;
      throw Error(ErrorKind::kIo, {folder.string()},
                  "the folder can't be made: " + error.message() + "; give --out another");
    }
    platform::write_text(run.suite_file(), suite::to_toml(suite));
  } catch (const Error&) {  // what is left would bar the next try
    fs::remove_all(run.path_ / "predictions", error);
    fs::remove_all(run.checkpoints(), error);
    throw;
  }
  return run;
}

fs::path RunFolder::free_path(const std::string& suite_name) {
  const fs::path base = fs::path("runs") / suite_name;
  fs::path path = base;
  for (int i = 2; fs::exists(path); ++i) path = fmt::format("{}-{}", base.string(), i);
  return path;
}

RunFolder RunFolder::open(const fs::path& path) {
  RunFolder run(fs::absolute(path));
  if (!fs::exists(run.suite_file())) {
    throw Error(ErrorKind::kIo, {path.string()},
                fs::exists(path) ? "holds no run (no suite.toml); give the folder that `berth run` wrote"
                                 : "there is no such folder; give the one that `berth run` wrote");
  }
  return run;
}

fs::path RunFolder::predictions_file(const std::string& task, const std::string& set) const {
  return path_ / "predictions" / fmt::format("{}.{}.jsonl", task, set);
}

fs::path RunFolder::result_file(const std::string& task, const std::string& set, const std::string& suffix) const {
  return path_ / "predictions" / fmt::format("{}.{}.{}", task, set, suffix);
}

fs::path RunFolder::shown_file(const std::string& task, const std::string& set) const {
  return result_file(task, set, "shown.json");
}

fs::path RunFolder::step_folder(std::int64_t step) const { return checkpoints() / fmt::format("{}{}", kStep, step); }

std::map<std::int64_t, fs::path> RunFolder::all_checkpoints() const {
  std::map<std::int64_t, fs::path> found;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    const auto name = entry.path().filename().string();
    std::int64_t step = -1;
    if (name.starts_with(kStep)) std::from_chars(name.data() + kStep.size(), name.data() + name.size(), step);
    if (step >= 0 && entry.path() == step_folder(step)) found[step] = entry.path();
  }
  return found;
}

fs::path RunFolder::newest_whole(const std::function<void(const std::string&)>& skipped) const {
  const auto all = fs::exists(checkpoints()) ? all_checkpoints() : std::map<std::int64_t, fs::path>();
  const std::map<std::int64_t, fs::path, std::greater<>> newest_first(all.begin(), all.end());
  for (const auto& [own_step, folder] : newest_first) {
    try {
      checkpoint::verify(folder, checkpoint::Part::kAll);
      for (const auto& [link, step] : read_memory(folder / checkpoint::kReportFile).links) {
        const auto part = link == kBackLink ? checkpoint::Part::kAll : checkpoint::Part::kModel;
        if (step != own_step) checkpoint::verify(step_folder(step), part);
      }
      return folder;
    } catch (const Error& error) {
      skipped(fmt::format("{} is passed over: {}", folder.filename().string(), error.what()));
    }
  }
  throw Error(ErrorKind::kIo, {path_.string()}, "the run has no whole checkpoint to go on from; start it anew");
}

fs::path RunFolder::checkpoint(const std::string& which, const std::string& task) const {
  const bool is_link = which == "best" || which == "last";
  fs::path folder = is_link ? checkpoints() / which : fs::path(which);
  if (const auto own = checkpoints() / best_link(task); which == "best" && !task.empty() && fs::exists(own))
    folder = own;
  if (fs::exists(folder / "checkpoint.json")) return fs::canonical(folder);
  if (is_link) {
    throw Error(ErrorKind::kIo, {folder.string()},
                fmt::format("the run has no checkpoint '{}' (it ended before its first one)", which));
  }
  throw Error(fs::exists(folder) ? ErrorKind::kIo : ErrorKind::kConfig,
              fmt::format("--checkpoint {}: no checkpoint there; give best, last or a folder like {}", which,
                          step_folder(120).string()));
}

bool is_finished_ending(std::string_view ending) { return ending == "completed" || ending == "stopped early"; }

bool is_finished(const fs::path& run) {
  const auto file = run / "summary.json";
  if (!fs::exists(file)) return false;
  try {
    return is_finished_ending(model::parse_json(model::read_text(file), file.string()).value("ending", ""));
  } catch (const std::exception&) {
    return false;  // cut off
  }
}

}  // namespace berth::report

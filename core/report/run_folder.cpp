#include "core/report/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/checkpoint/run_checkpoint.h"
#include "core/checkpoint/whole_file.h"

namespace berth::report {
namespace fs = std::filesystem;

RunFolder RunFolder::create(const fs::path& path, const suite::Suite& suite) {
  std::error_code error;
  if (fs::exists(path / "suite.toml", error)) {
    throw Error(ErrorKind::kConfig,
                fmt::format("{} holds a run already; give --out another folder, or remove this one", path.string()));
  }
  if (fs::exists(path, error) && !fs::is_empty(path, error)) {
    throw Error(ErrorKind::kConfig,
                fmt::format("{} exists and is not empty; give --out a new or an empty folder", path.string()));
  }
  const RunFolder run(fs::absolute(path));
  for (const auto& folder : {run.path_, run.path_ / "predictions", run.checkpoints()}) {
    fs::create_directories(folder, error);
    if (error) throw Error(ErrorKind::kIo, {folder.string()}, "the folder can't be made: " + error.message());
  }
  checkpoint::write_text(run.suite_file(), suite::to_toml(suite));
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

fs::path RunFolder::step_folder(std::int64_t step) const { return checkpoints() / fmt::format("step-{}", step); }

std::vector<fs::path> RunFolder::all_checkpoints() const {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  for (const auto& entry : fs::directory_iterator(checkpoints())) {
    if (entry.is_symlink() || !fs::exists(entry.path() / "checkpoint.json")) continue;
    found.emplace_back(checkpoint::read_step(entry.path()), entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> folders;
  for (auto& [step, folder] : found) folders.push_back(std::move(folder));
  return folders;
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

}  // namespace berth::report

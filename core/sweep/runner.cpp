#include "core/sweep/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <list>
#include <memory>
#include <system_error>
#include <thread>

#include "core/platform/child_process.h"
#include "core/platform/whole_file.h"

namespace berth::sweep {
namespace fs = std::filesystem;
namespace {

constexpr auto kBetweenLooks = std::chrono::milliseconds(20);

// What a process said last: berth's own errors are one line, after its name.
std::string last_line(const fs::path& log) {
  std::ifstream in(log, std::ios::binary);
  std::string line;
  std::string last;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  }
  constexpr std::string_view kName = "berth: ";
  return last.rfind(kName, 0) == 0 ? last.substr(kName.size()) : last;
}

struct Running {
  Trial trial;
  std::unique_ptr<platform::ChildProcess> process;
};

Running start(Trial trial, const RunnerOptions& options) {
  const TrialFolder folder(options.folder, trial.id);
  std::error_code error;
  fs::remove_all(folder.run(), error);  // of a trial that was cut off
  if (error) throw Error(ErrorKind::kIo, {folder.run().string()}, "can't be removed: " + error.message());
  if (options.jobs > 1) trial.suite.training.threads = std::max<std::int64_t>(1, options.threads / options.jobs);
  platform::write_text(folder.suite_file(), suite::to_toml(trial.suite));
  std::vector<std::string> arguments = {"run", folder.suite_file().string(), "--out", folder.run().string()};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  return {std::move(trial),
          std::make_unique<platform::ChildProcess>(platform::ChildOptions{arguments, folder.log_file()})};
}

Ending ending_of(const Trial& trial, int code, const RunnerOptions& options) {
  const TrialFolder folder(options.folder, trial.id);
  if (code == 0 && folder.is_finished()) return {};
  if (code == 0) return {1, "it ended without a summary", false};
  auto message = last_line(folder.log_file());
  if (message.empty()) message = code > 128 ? fmt::format("ended by signal {}", code - 128) : "it said nothing";
  return {code, std::move(message), false};
}

}  // namespace

RunnerEnd run_trials(TrialQueue& queue, const RunnerOptions& options) {
  fs::create_directories(options.folder / "trials");
  std::list<Running> running;
  for (;;) {
    if (options.wants_stop()) return RunnerEnd::kStopped;
    while (running.size() < static_cast<std::size_t>(options.jobs)) {
      auto trial = queue.next();
      if (!trial) break;
      if (TrialFolder(options.folder, trial->id).is_finished()) {
        queue.ended(*trial, {0, "", true});
      } else {
        running.push_back(start(std::move(*trial), options));
      }
    }
    if (running.empty()) return RunnerEnd::kDone;
    for (auto one = running.begin(); one != running.end();) {
      const auto code = one->process->poll();
      if (!code) {
        ++one;
        continue;
      }
      queue.ended(one->trial, ending_of(one->trial, *code, options));
      one = running.erase(one);
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace berth::sweep

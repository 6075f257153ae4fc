// berth started by berth: a trial of a sweep, or one of a run's several processes.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::platform {

struct ChildOptions {
  std::vector<std::string> arguments;
  std::filesystem::path log = {};                       // made anew, for all that it says; empty: as this process
  std::map<std::string, std::string> environment = {};  // besides this process's own
};

// Not copied: whoever has it waits for it.
class ChildProcess {
 public:
  // Starts this program's own file, without a shell. It reads nothing, and Ctrl-C does not reach it. It is killed when
  // this process ends, however that comes. Throws Error kIo.
  explicit ChildProcess(const ChildOptions& options);
  ~ChildProcess();  // kills it where it still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The exit code, 128 and the signal's number where one ended it; nothing while it runs.
  std::optional<int> poll();
  int ending_signal() const { return signal_; }  // 0: none
  void send(int signal) const;                   // unless it has ended

 private:
  pid_t pid_ = -1;
  std::optional<int> code_;
  int signal_ = 0;
};

}  // namespace berth::platform

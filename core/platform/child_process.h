// berth started by berth: a trial is a process of its own, so that its memory, its threads and its end are its own,
// too.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace berth::platform {

// Not copied: whoever has it waits for it.
class ChildProcess {
 public:
  // Starts this program's own file with the arguments, without a shell. What it says goes to `log`, which is made anew;
  // it reads nothing. It is killed when this process ends, however that comes. Throws Error kIo.
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log);
  ~ChildProcess();  // kills it where it still runs
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The exit code, 128 and the signal's number where one ended it; nothing while it runs.
  std::optional<int> poll();

 private:
  pid_t pid_ = -1;
  std::optional<int> code_;
};

}  // namespace berth::platform

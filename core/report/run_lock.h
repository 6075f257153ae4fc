// Keeps a second berth out of a run's folder while one writes to it.
#pragma once

#include <filesystem>

namespace berth::report {

class RunLock {
 public:
  // Makes the folder. Held until this is destroyed, or the process ends in any way. Throws Error kIo where another
  // process has it.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace berth::report

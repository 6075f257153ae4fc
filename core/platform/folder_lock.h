// Keeps a second berth out of a folder that one writes to: a run's, a sweep's, a matrix's.
#pragma once

#include <cstdint>
#include <filesystem>

namespace berth::platform {

class FolderLock {
 public:
  enum class Heirs : std::uint8_t {
    kNone,
    kChildren,  // processes that this one starts hold the lock too, as long as they run
  };

  // Makes the folder. Held until this is destroyed, or the process ends in any way. With kChildren, waits two seconds
  // for those of a process that was killed: they end with it, a moment later. Throws Error kIo where another process
  // has it.
  explicit FolderLock(const std::filesystem::path& folder, Heirs heirs = Heirs::kNone);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace berth::platform

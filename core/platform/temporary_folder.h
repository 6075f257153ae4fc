// A private folder for what data files are unpacked into: open to this user alone, and gone when the process is. It is
// removed by the destructor, by a handler for the signals that would end the process before (installed only where
// nobody else handles them), and, after a `kill -9`, by the next process that makes one.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

namespace berth::platform {

class TemporaryFolder {
 public:
  // In $TMPDIR, or /tmp. Throws Error kIo.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // Where a file with this name may be made, in a folder of its own. Throws Error kIo.
  std::filesystem::path place_for(const std::string& name);

 private:
  bool try_to_make(const std::filesystem::path& parent);

  std::filesystem::path path_;
  int lock_ = -1;  // held as long as the folder is in use
  int places_ = 0;
};

// A file elsewhere that a signal which ends the process takes along, too, as long as this is there.
class DoomedFile {
 public:
  explicit DoomedFile(const std::filesystem::path& file);
  ~DoomedFile() { keep(); }
  DoomedFile(const DoomedFile&) = delete;
  DoomedFile& operator=(const DoomedFile&) = delete;

  // It is somebody else's from here on.
  void keep();

 private:
  std::atomic<bool>* is_doomed_;
};

// For a signal handler that ends the process: removes what every folder of this kind holds, and every file that is
// doomed. Async-signal-safe.
void remove_temporary_files() noexcept;

}  // namespace berth::platform

#include "core/report/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "berth/error.h"

namespace berth::report {

// The folder itself is locked: nothing is left behind. Where the file system has no locks, there is none.
RunLock::RunLock(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorKind::kIo, {folder.string()}, "the folder can't be made: " + error.message());
  folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_ < 0) {
    throw Error(ErrorKind::kIo, {folder.string()}, fmt::format("can't be opened: {}", std::strerror(errno)));
  }
  if (::flock(folder_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(folder_);
    throw Error(ErrorKind::kIo, {folder.string()},
                "another berth works in this folder; wait until it has ended, or give --out another folder");
  }
}

RunLock::~RunLock() { ::close(folder_); }

}  // namespace berth::report

#include "core/platform/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "berth/error.h"

namespace berth::platform {
namespace {

constexpr int kLooks = 100;
constexpr auto kBetweenLooks = std::chrono::milliseconds(20);

}  // namespace

// The folder itself is locked: nothing is left behind. Where the file system has no locks, there is none.
FolderLock::FolderLock(const std::filesystem::path& folder, Heirs heirs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(ErrorKind::kIo, {folder.string()},
                "the folder can't be made: " + error.message() + "; give --out another");
  }
  const bool has_heirs = heirs == Heirs::kChildren;
  folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | (has_heirs ? 0 : O_CLOEXEC));
  if (folder_ < 0) {
    throw Error(ErrorKind::kIo, {folder.string()}, fmt::format("can't be opened: {}", std::strerror(errno)));
  }
  for (int look = 0; ::flock(folder_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK; ++look) {
    if (!has_heirs || look == kLooks) {
      ::close(folder_);
      throw Error(ErrorKind::kIo, {folder.string()},
                  "another berth works in this folder; wait until it has ended, or give --out another folder");
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

FolderLock::~FolderLock() { ::close(folder_); }

}  // namespace berth::platform

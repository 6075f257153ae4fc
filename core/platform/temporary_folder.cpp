#include "core/platform/temporary_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "berth/error.h"

namespace berth::platform {
namespace fs = std::filesystem;
namespace {

constexpr auto kPrefix = "berth-data-";
constexpr auto kLockName = "lock";

// What the handler removes: a file, then the folder that it alone is in ("": none).
struct Doomed {
  std::string file;
  std::string folder;
  std::atomic<bool> is_doomed = true;
  Doomed* next = nullptr;
};

// The newest first. Never freed, since a signal may come while one is looked at; there are as many as unpacked files.
std::atomic<Doomed*> g_doomed = nullptr;
std::atomic<pid_t> g_owner = 0;  // a child that has yet to become another program leaves the files alone

extern "C" void remove_and_end(int signal) {
  remove_temporary_files();
  ::raise(signal);  // the handler is for once: this is the default
}

void handle_signals() {
  g_owner = ::getpid();
  struct sigaction action {};
  action.sa_handler = remove_and_end;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
  }
}

std::atomic<bool>& doom(std::string file, std::string folder) {
  auto* one = new Doomed{std::move(file), std::move(folder)};
  one->next = g_doomed.load();
  while (!g_doomed.compare_exchange_weak(one->next, one)) {
  }
  return one->is_doomed;
}

// -1 where it can't be had: someone else has it, or there is none.
int try_to_lock(const fs::path& file, int flags) {
  const int lock = ::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (lock < 0) return -1;
  struct stat found {};
  // Without a name, it is what another process has just removed.
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0 && ::fstat(lock, &found) == 0 && found.st_nlink > 0) return lock;
  ::close(lock);
  return -1;
}

// What a process left behind that had no time to end.
void remove_orphans(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    const auto& path = entry->path();
    struct stat found {};
    if (path.filename().string().rfind(kPrefix, 0) != 0 || ::lstat(path.c_str(), &found) != 0) continue;
    if (!S_ISDIR(found.st_mode) || found.st_uid != ::geteuid()) continue;
    const int lock = try_to_lock(path / kLockName, 0);
    if (lock < 0) continue;
    std::error_code ignored;
    fs::remove_all(path, ignored);
    ::close(lock);
  }
}

}  // namespace

void remove_temporary_files() noexcept {
  if (::getpid() != g_owner) return;
  for (const auto* one = g_doomed.load(); one != nullptr; one = one->next) {
    if (!one->is_doomed) continue;
    ::unlink(one->file.c_str());
    if (!one->folder.empty()) ::rmdir(one->folder.c_str());
  }
}

DoomedFile::DoomedFile(const fs::path& file) : is_doomed_(&doom(file.string(), "")) { handle_signals(); }

void DoomedFile::keep() { *is_doomed_ = false; }

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  // As the file system calls it, so that a reader's own name for a file in it is no other.
  const auto parent = fs::canonical(fs::temp_directory_path(error), error);
  if (error) {
    throw Error(ErrorKind::kIo, "the folder for temporary files can't be used: " + error.message() +
                                    "; set TMPDIR to one that is there");
  }
  remove_orphans(parent);
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    if (try_to_make(parent)) return;
  }
  throw Error(ErrorKind::kIo, {parent.string()},
              fmt::format("no folder for unpacked data can be made here: {}; set TMPDIR to one that can be written to",
                          std::strerror(errno)));
}

bool TemporaryFolder::try_to_make(const fs::path& parent) {
  auto text = (parent / (std::string(kPrefix) + "XXXXXX")).string();
  if (::mkdtemp(text.data()) == nullptr) return false;
  path_ = text;
  doom((path_ / kLockName).string(), path_.string());
  handle_signals();
  lock_ = try_to_lock(path_ / kLockName, O_CREAT | O_EXCL);
  if (lock_ >= 0) return true;
  const int why = errno;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  errno = why;
  return false;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  ::close(lock_);
}

fs::path TemporaryFolder::place_for(const std::string& name) {
  const auto folder = path_ / std::to_string(places_++);
  auto file = folder / name;
  doom(file.string(), folder.string());
  if (::mkdir(folder.c_str(), 0700) != 0) {
    throw Error(ErrorKind::kIo, {folder.string()}, fmt::format("can't be made: {}", std::strerror(errno)));
  }
  return file;
}

}  // namespace berth::platform

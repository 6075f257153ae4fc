#include "core/platform/whole_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "berth/error.h"
#include "core/platform/descriptor.h"

namespace berth::platform {
namespace {

// 0, or errno.
int try_sync(const std::filesystem::path& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return errno;
  const int error = ::fsync(handle) == 0 || errno == EINVAL ? 0 : errno;  // EINVAL: nothing that can be synced
  ::close(handle);
  return error;
}

}  // namespace

WholeFile::WholeFile(const std::filesystem::path& path)
    : path_(path), temporary_(fmt::format("{}.{}.partial", path.string(), ::getpid())) {
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail("can't be created");
}

WholeFile::~WholeFile() {
  if (file_ >= 0) {
    ::close(file_);
    ::unlink(temporary_.c_str());
  }
}

void WholeFile::write(const void* data, std::size_t size) {
  if (!write_all(file_, {static_cast<const char*>(data), size})) fail("can't be written");
}

void WholeFile::commit() {
  if (::fsync(file_) != 0) fail("can't be synced to the disk");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("can't be put in place");
  ::close(file_);
  file_ = -1;
  // The name is on the disk only once its folder is; a file system that can't sync folders loses nothing else.
  try_sync(path_.has_parent_path() ? path_.parent_path() : ".");
}

void WholeFile::fail(const char* what) const {
  throw Error(ErrorKind::kIo, Where{path_.string()}, fmt::format("{}: {}", what, std::strerror(errno)));
}

void sync(const std::filesystem::path& path) {
  if (const int error = try_sync(path); error != 0) {
    throw Error(ErrorKind::kIo, {path.string()}, fmt::format("can't be synced to the disk: {}", std::strerror(error)));
  }
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  WholeFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace berth::platform

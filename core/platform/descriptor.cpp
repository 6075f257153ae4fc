#include "core/platform/descriptor.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace berth::platform {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 30;

}  // namespace

ssize_t read_some(int file, void* data, std::size_t size) {
  ssize_t count = 0;
  do {
    count = ::read(file, data, std::min(size, kMost));
  } while (count < 0 && errno == EINTR);
  return count;
}

ssize_t write_some(int file, const void* data, std::size_t size) {
  ssize_t count = 0;
  do {
    count = ::write(file, data, std::min(size, kMost));
  } while (count < 0 && errno == EINTR);
  return count;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write_some(file, bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace berth::platform

#include "core/plugin/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace berth::plugin {

MappedFile::MappedFile(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    reason_ = fmt::format("can't be opened ({})", std::strerror(errno));
    return;
  }
  map(descriptor);
  ::close(descriptor);
}

MappedFile::~MappedFile() {
  if (address_ != nullptr) ::munmap(address_, size_);
}

void MappedFile::map(int descriptor) {
  constexpr std::int64_t kLargest = std::int64_t{2} << 30;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    reason_ = "is not a file";
  } else if (status.st_size == 0) {
    reason_ = "is empty; copy or build it again";
  } else if (status.st_size > kLargest) {
    reason_ = "is larger than 2 GB, which no plugin is";
  } else {
    const auto size = static_cast<std::size_t>(status.st_size);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      reason_ = fmt::format("can't be read ({})", std::strerror(errno));
    } else {
      address_ = address;
      size_ = size;
    }
  }
}

}  // namespace berth::plugin

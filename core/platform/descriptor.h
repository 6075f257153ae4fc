// Reading and writing by file descriptor: what a signal interrupts goes on.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string_view>

namespace berth::platform {

// As read(2) and write(2), but for EINTR; at most a gigabyte, which is what some systems take at a time.
ssize_t read_some(int file, void* data, std::size_t size);
ssize_t write_some(int file, const void* data, std::size_t size);

// False where it can't be written; errno says why.
bool write_all(int file, std::string_view bytes);

}  // namespace berth::platform

// A file that appears under its name only when all of it is on the disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace berth::platform {

class WholeFile {
 public:
  // Opens a temporary file beside `path`. All calls throw Error kIo.
  explicit WholeFile(const std::filesystem::path& path);
  ~WholeFile();  // removes the temporary file unless commit() was called
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void write(const void* data, std::size_t size);

  // Syncs and renames, replacing what is there.
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int file_ = -1;
};

// What was written to a file, or the names in a folder, on the disk. A file system that can't sync folders loses
// nothing else. Throws Error kIo.
void sync(const std::filesystem::path& path);

// A whole file of text, or none. Throws Error kIo.
void write_text(const std::filesystem::path& path, std::string_view text);

}  // namespace berth::platform

// What the fuzz targets share. A target hands an input to one reader of berth. The reader takes it, or refuses it with
// an Error of a kind that fits; whatever else leaves it (another exception, a crash, a sanitizer's report, a hang, more
// memory than tests/fuzz/run allows) is a finding. What it takes must keep the reader's promises: require().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "berth/error.h"

namespace berth::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Ends the process, which libFuzzer reports as a crash with the input that caused it.
[[noreturn]] void broken(const char* promise, std::string_view found = {});

inline void require(bool holds, const char* promise, std::string_view found = {}) {
  if (!holds) broken(promise, found);
}

// True where the call returns, false where it refuses with one of the kinds. Other exceptions are let through: nobody
// catches them.
template <typename Call>
bool accepts(std::initializer_list<ErrorKind> kinds, Call&& call) {
  try {
    call();
    return true;
  } catch (const Error& error) {
    require(std::find(kinds.begin(), kinds.end(), error.kind()) != kinds.end(), "the kind of the error fits",
            error.what());
    require(!std::string_view(error.what()).empty(), "an error says something");
    return false;
  }
}

// An input of several parts: 0xFF, which no UTF-8 has, stands between them. As many as asked for; the last one has all
// that is left, those that are missing are empty.
std::vector<std::string_view> parts_of(std::string_view input, std::size_t count);

// Choices that a target makes besides the file's bytes: the low six bits of the input's first byte, so that a letter
// writes them ('@': all zero). Leaves the rest in `input`.
class Choices {
 public:
  explicit Choices(std::string_view& input);

  // One of `count`.
  unsigned one_of(unsigned count);
  bool flag() { return one_of(2) == 1; }

 private:
  unsigned bits_ = 0;
};

// A file in memory alone, for what reads from a path. Regular, as far as anyone can tell.
class MemoryFile {
 public:
  MemoryFile();

  // Replaces the content.
  void write(std::string_view content) const;
  const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

// A folder of the process's own, in the folder for temporary files, which tests/fuzz/run puts into memory and removes.
class Folder {
 public:
  Folder();

  // Makes folders on the way where there are none.
  void write(const std::string& name, std::string_view content) const;
  // The file, where it is there.
  void remove(const std::string& name) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace berth::fuzz

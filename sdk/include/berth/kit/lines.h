// Lines of a text file, one at a time: what every reader of data files stands on.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/error.h"

namespace berth::kit {

// Opens on construction: throws Error kIo where the file is missing, a folder or unreadable, and Error kContent where
// it is UTF-16. A byte order mark of UTF-8 is left out. Holds one line and a small buffer in memory.
class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20;

  explicit LineReader(std::string path);

  // The next line without its "\n" (a "\r" before it stays); false at the end. A file's last line needs no line end.
  // Throws Error kContent for a line that is not UTF-8 or longer than kMaxLineBytes, Error kIo where reading fails, or
  // the file's size changes while it is read.
  bool next(std::string& line);

  // Of the line that next() gave last.
  Where where() const { return {path_, line_, 0}; }
  // Whether that line had a line end, which only the last may lack.
  bool ended() const { return ended_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  bool fill();
  void check_size() const;
  void check_line(const std::string& line) const;

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is left in the buffer
  std::size_t end_ = 0;
  std::optional<std::uintmax_t> size_;  // when it was opened; of a regular file
  std::uintmax_t read_ = 0;             // bytes
  std::int64_t line_ = 0;
  bool ended_ = false;
};

}  // namespace berth::kit

#include "berth/kit/lines.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "berth/kit/text.h"

namespace berth::kit {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

}  // namespace

LineReader::LineReader(std::string path) : path_(std::move(path)), buffer_(kBufferBytes) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) {
    throw Error(ErrorKind::kIo, path_ + ": is a folder; expected a data file");
  }
  file_.reset(std::fopen(path_.c_str(), "rb"));
  if (!file_) {
    throw Error(ErrorKind::kIo, path_ + ": can't open the data file: " + std::strerror(errno) +
                                    "; check the path in the suite, which counts from the suite's folder");
  }
  if (std::filesystem::is_regular_file(path_, ignored)) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(path_, failed);
    if (!failed) size_ = size;
  }
  fill();
  const std::string_view start(buffer_.data(), end_);
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    throw Error(ErrorKind::kContent, Where{path_, 1, 0},
                "the file is UTF-16; expected UTF-8. Convert it: iconv -f UTF-16 -t UTF-8");
  }
  if (start.starts_with("PK\x03\x04")) {
    throw Error(ErrorKind::kContent, Where{path_, 1, 0},
                "the file is a zip archive, as .xlsx files are; expected text. Save the sheet as CSV in UTF-8");
  }
  if (start.starts_with("\xEF\xBB\xBF")) begin_ = 3;
}

bool LineReader::fill() {
  begin_ = 0;
  end_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (end_ == 0 && std::ferror(file_.get()) != 0) {
    throw Error(ErrorKind::kIo, path_ + ": reading failed: " + std::strerror(errno));
  }
  read_ += end_;
  if (end_ == 0) check_size();
  return end_ > 0;
}

// Half a data set that is taken for all of it would be trained on without a word.
void LineReader::check_size() const {
  if (!size_ || *size_ == read_) return;
  throw Error(ErrorKind::kIo, path_ + ": had " + std::to_string(*size_) +
                                  " bytes when it was opened, and ended after " + std::to_string(read_) +
                                  ": something writes to it; start again when that is done");
}

bool LineReader::next(std::string& line) {
  line.clear();
  ended_ = false;
  if (begin_ == end_ && !fill()) return false;
  ++line_;
  while (!ended_ && (begin_ < end_ || fill())) {
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    ended_ = newline != nullptr;
    const std::size_t length = ended_ ? static_cast<std::size_t>(newline - from) : end_ - begin_;
    line.append(from, length);
    begin_ += length + (ended_ ? 1 : 0);
    if (line.size() > kMaxLineBytes) {
      throw Error(ErrorKind::kContent, where(),
                  "the line is longer than the " + std::to_string(kMaxLineBytes >> 20) + " MiB that are read");
    }
  }
  check_line(line);
  return true;
}

void LineReader::check_line(const std::string& line) const {
  const std::size_t broken = find_invalid_utf8(line);
  if (broken == std::string::npos) return;
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(line[broken]);
  Where place = where();
  place.column = 1 + std::count_if(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(broken),
                                   [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  throw Error(ErrorKind::kContent, place,
              std::string("found the byte 0x") + kHex[byte >> 4U] + kHex[byte & 15U] +
                  ", which is not UTF-8 here; expected UTF-8. If the file is Latin-1: iconv -f LATIN1 -t UTF-8");
}

}  // namespace berth::kit

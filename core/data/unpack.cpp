#include "core/data/unpack.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "berth/error.h"
#include "core/data/compression.h"
#include "core/platform/descriptor.h"

namespace berth::data {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;

std::string megabytes(std::uintmax_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

// Where bytes come from: a file, a pipe or standard input.
class Source {
 public:
  // buffer: bytes at a time, at least kSignatureBytes.
  explicit Source(const fs::path& file, std::size_t buffer = kBufferBytes)
      : name_(display_name(file)), buffer_(buffer) {
    if (file == kStandardInput) {
      handle_ = STDIN_FILENO;
    } else {
      handle_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    }
    if (handle_ < 0) fail();
  }
  ~Source() {
    if (handle_ != STDIN_FILENO) ::close(handle_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  const std::string& name() const { return name_; }
  std::uintmax_t bytes() const { return bytes_; }  // given so far

  // Valid until the next call; empty at the end. A pipe gives little at a time: the first piece has a signature, if
  // there is one.
  std::string_view next() {
    std::size_t size = 0;
    while (size < kSignatureBytes) {
      const ssize_t got = platform::read_some(handle_, buffer_.data() + size, buffer_.size() - size);
      if (got < 0) fail();
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    bytes_ += size;
    return {buffer_.data(), size};
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kIo, {name_}, fmt::format("reading failed: {}", std::strerror(errno)));
  }

  std::string name_;
  std::vector<char> buffer_;
  int handle_ = -1;
  std::uintmax_t bytes_ = 0;
};

// A file that is written as long as there is room, and gone unless it was finished.
class Target {
 public:
  Target(fs::path path, const Source& source, std::optional<std::uintmax_t> keep_free)
      : path_(std::move(path)), source_(source), keep_free_(keep_free) {
    handle_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (handle_ < 0) fail(std::strerror(errno));
  }
  ~Target() {
    if (handle_ < 0) return;
    ::close(handle_);
    ::unlink(path_.c_str());
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  void write(std::string_view piece) {
    while (!piece.empty()) {
      if (bytes_ >= next_look_) look_for_room();
      const ssize_t written = platform::write_some(handle_, piece.data(), piece.size());
      if (written <= 0) fail(std::strerror(errno));
      piece.remove_prefix(static_cast<std::size_t>(written));
      bytes_ += static_cast<std::uintmax_t>(written);
    }
  }

  void finish() {
    const int handle = std::exchange(handle_, -1);
    if (::close(handle) == 0) return;
    const int error = errno;
    ::unlink(path_.c_str());
    fail(std::strerror(error));
  }

 private:
  // A few bytes may become more than any disk has, and others need the disk too.
  void look_for_room() {
    constexpr std::uintmax_t kBetweenLooks = std::uintmax_t{16} << 20;
    constexpr std::uintmax_t kKeepFree = std::uintmax_t{256} << 20;
    next_look_ = bytes_ + kBetweenLooks;
    std::error_code error;
    const auto disk = fs::space(path_.parent_path(), error);
    if (error) return;  // then the disk itself has to say it
    const auto keep = keep_free_.value_or(std::min(kKeepFree, disk.capacity / 10));
    if (disk.available < keep + kBetweenLooks) fail(fmt::format("only {} are free there", megabytes(disk.available)));
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(
        ErrorKind::kIo, {source_.name()},
        fmt::format("can't be unpacked into {}: {}, after {} of it gave {}; set TMPDIR to a folder with more room",
                    path_.parent_path().string(), why, megabytes(source_.bytes()), megabytes(bytes_)));
  }

  fs::path path_;
  const Source& source_;
  std::optional<std::uintmax_t> keep_free_;
  int handle_ = -1;
  std::uintmax_t bytes_ = 0;
  std::uintmax_t next_look_ = 0;
};

void decompress(Compression compression, std::string_view piece, Source& source, Target& target) {
  const auto decompressor = make_decompressor(compression);
  const auto fail = [&](const std::string& what) {
    throw Error(
        ErrorKind::kContent, {source.name()},
        fmt::format("the {} data {}; the file was not written or copied to its end, or changed since: get it anew",
                    name_of(compression), what));
  };
  try {
    for (; !piece.empty(); piece = source.next()) {
      decompressor->add(piece, [&](std::string_view plain) { target.write(plain); });
    }
  } catch (const DamagedData& damaged) {
    fail(fmt::format("is damaged within its first {} bytes ({})", source.bytes(), damaged.reason));
  }
  if (!decompressor->is_complete()) fail(fmt::format("ends in the middle, after {} bytes", source.bytes()));
}

void unpack_into(const fs::path& path, const fs::path& file, std::optional<std::uintmax_t> keep_free) {
  Source source(file);
  Target target(path, source, keep_free);
  auto piece = source.next();
  if (file == kStandardInput && piece.empty()) {
    throw Error(ErrorKind::kContent, {source.name()},
                "is empty; expected rows of data. Pipe them in: berth ... < FILE");
  }
  const auto compression = compression_by_signature(piece);
  const auto promised = compression_by_name(file);
  if (compression == Compression::kNone && promised != Compression::kNone) {
    throw Error(ErrorKind::kContent, {source.name()},
                piece.empty()
                    ? fmt::format("is empty; expected {} data", name_of(promised))
                    : fmt::format("is not {} data, as its name says: it begins otherwise; where it is a plain "
                                  "file, rename it",
                                  name_of(promised)));
  }
  if (compression != Compression::kNone) {
    decompress(compression, piece, source, target);
  } else {
    for (; !piece.empty(); piece = source.next()) target.write(piece);
  }
  target.finish();
}

// Whether the file's bytes are to be read from elsewhere. Looks into regular files alone: what is read of a pipe is
// gone.
bool needs_unpacking(const fs::path& file) {
  if (file == kStandardInput) return true;
  std::error_code error;
  const auto status = fs::status(file, error);
  if (fs::is_fifo(status)) return true;
  if (!fs::is_regular_file(status) || ::access(file.c_str(), R_OK) != 0) return false;
  return compression_by_name(file) != Compression::kNone ||
         compression_by_signature(Source(file, kSignatureBytes).next()) != Compression::kNone;
}

}  // namespace

std::string display_name(const fs::path& path) { return path == kStandardInput ? "standard input" : path.string(); }

UnpackedFiles& UnpackedFiles::of_process() {
  static UnpackedFiles files;
  return files;
}

InputFile UnpackedFiles::plain(const fs::path& file) {
  const std::lock_guard guard(mutex_);
  if (const auto known = plain_of_.find(file); known != plain_of_.end()) return {display_name(file), known->second};
  if (!needs_unpacking(file)) return {file.string(), file};
  return {display_name(file), plain_of_[file] = unpack(file)};
}

fs::path UnpackedFiles::unpack(const fs::path& file) {
  if (file == kStandardInput && ::isatty(STDIN_FILENO) != 0) {
    throw Error(ErrorKind::kConfig, {display_name(file)}, "is a terminal; expected data. Pipe it in: berth ... < FILE");
  }
  if (!folder_) folder_.emplace();
  auto name = file == kStandardInput ? "standard-input" : name_without_compression(file);
  auto path = folder_->place_for(name);
  unpack_into(path, file, keep_free_);
  return path;
}

}  // namespace berth::data

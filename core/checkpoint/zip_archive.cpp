#include "core/checkpoint/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "berth/error.h"
#include "core/checkpoint/crc32.h"
#include "core/checkpoint/plain_text.h"

// Layout of a file, all numbers little-endian: for each entry a local header (30 bytes, its name, extra fields), its
// bytes and perhaps a descriptor that repeats its sizes; then the central directory, a header (46 bytes, name, extra
// fields, comment) for each entry; with zip64 a record of 56 bytes or more and its locator of 20; at the very end 22
// bytes that say where the directory is. What the directory says counts. Of a local header, name, flags and method have
// to agree with it; its CRC and sizes are not looked at: torch.save leaves them to the descriptor.

namespace berth::checkpoint {
namespace {

constexpr std::size_t kEndSize = 22;
constexpr std::size_t kLocatorSize = 20;
constexpr std::size_t kEnd64Size = 56;
constexpr std::size_t kHeaderSize = 46;
constexpr std::size_t kLocalSize = 30;
constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::uint32_t kLocatorMark = 0x07064b50;
constexpr std::uint32_t kEnd64Mark = 0x06064b50;
constexpr std::uint32_t kHeaderMark = 0x02014b50;
constexpr std::uint32_t kLocalMark = 0x04034b50;
constexpr std::uint16_t kEncrypted = 1U << 0;
constexpr std::uint16_t kHasDescriptor = 1U << 3;
constexpr std::uint16_t kUtf8 = 1U << 11;
constexpr std::uint16_t kZip64Extra = 1;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // the value of a field that a zip64 field replaces
constexpr std::uint64_t kMostEntries = 100'000;

// A plain relative path: it leads nowhere else, and prints as it is.
bool is_plain_name(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos || !is_plain_text(name)) {
    return false;
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return true;
}

class DirectoryReader {
 public:
  DirectoryReader(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  std::map<std::string, ZipArchive::Entry> read() {
    find_directory();
    std::map<std::string, ZipArchive::Entry> entries;
    std::size_t at = begin_;
    for (std::uint64_t i = 0; i < count_; ++i) {
      const Header header = read_header(at, i);
      at = header.end;
      if (!entries.emplace(header.name, read_local(header)).second) fail_entry(header.name, "stands there twice");
    }
    if (at != end_) fail(fmt::format("its directory has {} bytes that belong to no entry", end_ - at));
    check_overlap();
    return entries;
  }

 private:
  struct Header {
    std::string name;
    std::uint16_t flags = 0;
    std::uint32_t crc = 0;
    std::uint64_t size = 0;
    std::uint64_t local = 0;
    std::size_t end = 0;  // of the header
  };
  struct Range {
    std::size_t begin = 0;  // of the local header
    std::size_t end = 0;    // of the bytes
    std::string name;
  };

  [[noreturn]] void fail(const std::string& text) const { throw Error(ErrorKind::kContent, Where{path_}, text); }
  [[noreturn]] void fail_entry(const std::string& name, const std::string& text) const {
    fail(fmt::format("entry {} of the zip archive {}", in_quotes(name), text));
  }

  // The number at a place that is known to lie within the file.
  template <typename T>
  T number(std::size_t at) const {
    T value = 0;
    std::memcpy(&value, bytes_.data() + at, sizeof value);
    return value;
  }

  static bool fits(std::uint64_t begin, std::uint64_t size, std::uint64_t end) {
    return begin <= end && size <= end - begin;
  }

  // Sets where the directory is and how many entries it has.
  void find_directory() {
    if (bytes_.size() < kEndSize || number<std::uint32_t>(bytes_.size() - kEndSize) != kEndMark) {
      fail("the zip archive doesn't end with its directory: is the file cut, or does something follow it?");
    }
    const std::size_t at = bytes_.size() - kEndSize;
    if (number<std::uint16_t>(at + 4) != 0 || number<std::uint16_t>(at + 6) != 0) {
      fail("the zip archive is spread over several disks; berth reads single files");
    }
    count_ = number<std::uint16_t>(at + 10);
    size_ = number<std::uint32_t>(at + 12);
    begin_ = number<std::uint32_t>(at + 16);
    end_ = at;
    bool agrees = number<std::uint16_t>(at + 8) == count_ && number<std::uint16_t>(at + 20) == 0;
    if (at >= kLocatorSize && number<std::uint32_t>(at - kLocatorSize) == kLocatorMark) {
      agrees = agrees && read_zip64_end(at - kLocatorSize);
    }
    if (!agrees || !fits(begin_, size_, end_) || begin_ + size_ != end_) {
      fail("the end of the zip archive contradicts itself about the directory; is the file damaged?");
    }
    if (count_ > kMostEntries) {
      fail(fmt::format("the zip archive has {} entries, at most {} are read", count_, kMostEntries));
    }
  }

  // Takes what the zip64 record says instead. Returns whether it agrees with itself and with the end.
  bool read_zip64_end(std::size_t locator) {
    const auto record = number<std::uint64_t>(locator + 8);
    if (!fits(record, kEnd64Size, locator) || number<std::uint32_t>(record) != kEnd64Mark) {
      fail("the zip archive's zip64 record is not where its locator says");
    }
    const auto replace = [](std::uint64_t& value, std::uint64_t wide, std::uint64_t marker) {
      const std::uint64_t narrow = std::exchange(value, wide);
      return narrow == wide || narrow == marker;
    };
    const bool is_one_disk = number<std::uint32_t>(locator + 4) == 0 && number<std::uint32_t>(locator + 16) <= 1 &&
                             number<std::uint32_t>(record + 16) == 0 && number<std::uint32_t>(record + 20) == 0 &&
                             number<std::uint64_t>(record + 24) == number<std::uint64_t>(record + 32);
    end_ = record;
    return is_one_disk && number<std::uint64_t>(record + 4) == locator - record - 12 &&
           replace(count_, number<std::uint64_t>(record + 32), 0xFFFF) &&
           replace(size_, number<std::uint64_t>(record + 40), kIn64) &&
           replace(begin_, number<std::uint64_t>(record + 48), kIn64);
  }

  Header read_header(std::size_t at, std::uint64_t index) const {
    const auto cut = [&] { fail(fmt::format("header {} of the zip archive's directory is cut or damaged", index)); };
    if (!fits(at, kHeaderSize, end_) || number<std::uint32_t>(at) != kHeaderMark) cut();
    const std::size_t name_size = number<std::uint16_t>(at + 28);
    const std::size_t extra_size = number<std::uint16_t>(at + 30);
    const std::size_t comment_size = number<std::uint16_t>(at + 32);
    if (!fits(at + kHeaderSize, name_size + extra_size + comment_size, end_)) cut();
    Header header;
    header.name = bytes_.substr(at + kHeaderSize, name_size);
    if (!is_plain_name(header.name)) {
      fail(fmt::format("the name of entry {} of the zip archive is not a plain relative path", index));
    }
    header.flags = number<std::uint16_t>(at + 8);
    header.crc = number<std::uint32_t>(at + 16);
    header.end = at + kHeaderSize + name_size + extra_size + comment_size;
    std::uint64_t stored = number<std::uint32_t>(at + 20);
    header.size = number<std::uint32_t>(at + 24);
    header.local = number<std::uint32_t>(at + 42);
    read_zip64({&header.size, &stored, &header.local}, bytes_.substr(at + kHeaderSize + name_size, extra_size),
               header.name);
    if ((header.flags & kEncrypted) != 0) fail_entry(header.name, "is encrypted; berth reads what torch.save writes");
    if (const auto method = number<std::uint16_t>(at + 10); method != 0) {
      fail_entry(header.name, fmt::format("is compressed (method {}); berth reads what torch.save writes, which is "
                                          "stored as it is: unpack it, and zip it without compression (zip -0)",
                                          method));
    }
    if (stored != header.size) {
      fail_entry(header.name, fmt::format("is stored as it is, but in {} bytes where it says it has {}: its sizes "
                                          "contradict each other; is the file damaged?",
                                          stored, header.size));
    }
    if ((header.flags & ~(kHasDescriptor | kUtf8)) != 0 || number<std::uint16_t>(at + 34) != 0) {
      fail_entry(header.name, fmt::format("has flags {:#x} or a disk that berth doesn't know", header.flags));
    }
    return header;
  }

  // Those of the values that are all ones stand in the extra field of zip64, in this order.
  void read_zip64(std::initializer_list<std::uint64_t*> values, std::string_view extra, const std::string& name) const {
    std::string_view wide;
    while (extra.size() >= 4) {
      std::uint16_t kind = 0;
      std::uint16_t size = 0;
      std::memcpy(&kind, extra.data(), 2);
      std::memcpy(&size, extra.data() + 2, 2);
      extra.remove_prefix(4);
      if (size > extra.size()) fail_entry(name, "has an extra field that is cut");
      if (kind == kZip64Extra) wide = extra.substr(0, size);
      extra.remove_prefix(size);
    }
    for (std::uint64_t* value : values) {
      if (*value != kIn64) continue;
      if (wide.size() < sizeof *value) fail_entry(name, "lacks the zip64 field that its header refers to");
      std::memcpy(value, wide.data(), sizeof *value);
      wide.remove_prefix(sizeof *value);
    }
  }

  ZipArchive::Entry read_local(const Header& header) {
    const std::uint64_t at = header.local;
    if (!fits(at, kLocalSize, begin_) || number<std::uint32_t>(at) != kLocalMark) {
      fail_entry(header.name, fmt::format("has no header at byte {}, where the directory puts it", at));
    }
    const std::size_t name_size = number<std::uint16_t>(at + 26);
    const std::size_t skipped = kLocalSize + name_size + number<std::uint16_t>(at + 28);
    if (!fits(at, skipped, begin_) || !fits(at + skipped, header.size, begin_)) {
      fail_entry(header.name, fmt::format("has {} bytes, which don't lie within the file", header.size));
    }
    if (bytes_.substr(at + kLocalSize, name_size) != header.name || number<std::uint16_t>(at + 6) != header.flags ||
        number<std::uint16_t>(at + 8) != 0) {
      fail_entry(header.name, "has a header of its own that contradicts the directory's");
    }
    const std::size_t begin = at + skipped;
    ranges_.push_back({at, begin + header.size, header.name});
    return {begin, header.size, header.crc};
  }

  void check_overlap() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < ranges_.size(); ++i) {
      if (ranges_[i].begin < ranges_[i - 1].end) {
        fail_entry(ranges_[i].name, fmt::format("overlaps {}", in_quotes(ranges_[i - 1].name)));
      }
    }
  }

  std::string_view bytes_;
  const std::string& path_;
  std::uint64_t begin_ = 0;  // of the directory
  std::uint64_t size_ = 0;
  std::size_t end_ = 0;
  std::uint64_t count_ = 0;  // of its entries
  std::vector<Range> ranges_;
};

}  // namespace

ZipArchive::ZipArchive(std::string_view bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {
  entries_ = DirectoryReader(bytes_, path_).read();
}

const ZipArchive::Entry* ZipArchive::find(const std::string& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

std::string_view ZipArchive::read(const std::string& name) const {
  const Entry* entry = find(name);
  const auto fail = [&](const char* text) {
    throw Error(ErrorKind::kContent, Where{path_},
                fmt::format("entry {} of the zip archive {}", in_quotes(name), text));
  };
  if (entry == nullptr) fail("is missing");
  const std::string_view bytes = bytes_.substr(entry->begin, entry->size);
  if (crc32(bytes) != entry->crc) {
    fail(
        "doesn't have the CRC-32 that it is stored with: the file is damaged, or was saved with "
        "set_crc32_options(False); fetch or save it anew");
  }
  return bytes;
}

}  // namespace berth::checkpoint

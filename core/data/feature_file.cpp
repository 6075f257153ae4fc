// Reading; feature_file_writer.cpp writes.
#include "core/data/feature_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include "core/data/feature_layout.h"
#include "core/platform/descriptor.h"
#include "core/training/random.h"

namespace berth::data {
namespace {

using namespace layout;

static_assert(std::endian::native == std::endian::little, "arrays are used as they stand in the file");

constexpr std::size_t kPiece = std::size_t{1} << 20;  // bytes read at a time

[[noreturn]] void refuse(std::string reason) { throw DamagedFile{std::move(reason)}; }

// The file as it is read once, from its begin to its end.
class Source {
 public:
  explicit Source(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0 && errno != ENOENT && errno != ENOTDIR) fail();
    struct stat status {};
    if (file_ < 0) return;
    if (::fstat(file_, &status) != 0) fail();
    if (!S_ISREG(status.st_mode)) refuse("is not a file");
    bytes_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~Source() {
    if (file_ >= 0) ::close(file_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  bool is_there() const { return file_ >= 0; }
  std::uint64_t bytes() const { return bytes_; }

  // The next ones.
  std::string read(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t done = 0; done < size;) {
      const ssize_t got = platform::read_some(file_, bytes.data() + done, size - done);
      if (got < 0) fail();
      if (got == 0) refuse("is cut off");
      done += static_cast<std::size_t>(got);
    }
    place_ += size;
    return bytes;
  }

  void skip_zeros(std::uint64_t to) {
    for (const char byte : read(to - place_)) {
      if (byte != 0) refuse("is damaged between its sections");
    }
  }

  std::shared_ptr<const std::byte> map() const {
    void* address = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file_, 0);
    if (address == MAP_FAILED) fail();
    return {static_cast<const std::byte*>(address),
            [size = bytes_](const std::byte* begin) { ::munmap(const_cast<std::byte*>(begin), size); }};
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kIo, {path_.string()}, fmt::format("can't be read: {}", std::strerror(errno)));
  }

  const std::filesystem::path& path_;
  int file_;
  std::uint64_t bytes_ = 0;
  std::uint64_t place_ = 0;
};

// The head, checked as far as it says where things are.
std::vector<SectionEntry> read_head(Source& source, const std::string& key) {
  if (source.bytes() < kHeadBytes) refuse("is cut off");
  const auto head = source.read(kHeadBytes);
  TextReader fields(head);
  if (fields.bytes(kMagic.size()) != kMagic) refuse("is no file of features");
  if (fields.number() != kFormat) refuse("is of another format");
  const auto own_key = fields.bytes(kKeyBytes);
  const auto bytes = fields.number();
  const auto count = fields.number();
  if (count < kFixedSections + 1 || count > kMostSections) refuse("is damaged in its head");
  if (source.bytes() < head_end(count)) refuse("is cut off");
  const auto table = source.read(head_end(count) - kHeadBytes);
  const auto covered = std::string_view(table).substr(0, table.size() - sizeof(std::uint64_t));
  TextReader entries(table);
  std::vector<SectionEntry> sections(count);
  for (auto& section : sections) section = {entries.number(), entries.number(), entries.number()};
  if (entries.number() != training::hash_name(covered, training::hash_name(head))) refuse("is damaged in its head");
  if (own_key != key) refuse("belongs to another training set");
  if (bytes != source.bytes()) refuse(fmt::format("has {} bytes, where {} were written", source.bytes(), bytes));
  auto end = head_end(count);
  for (const auto& [begin, size, hash] : sections) {
    if (begin != aligned(end) || size > bytes - std::min(begin, bytes)) refuse("is damaged in its head");
    end = begin + size;
  }
  if (end != bytes) refuse("is damaged in its head");
  return sections;
}

// What is known of a section once it has been read.
struct ReadSection {
  bool is_ascending = true;  // as 64-bit numbers, from 0 on
  std::uint64_t last = 0;    // likewise
  std::string text;          // of the description alone
};

ReadSection read_section(Source& source, const SectionEntry& section, bool is_description) {
  source.skip_zeros(section.begin);
  ReadSection result;
  auto hash = training::kHashOfNothing;
  bool is_first = true;
  for (std::uint64_t left = section.bytes; left > 0;) {
    const auto piece = source.read(std::min<std::uint64_t>(left, kPiece));
    left -= piece.size();
    hash = training::hash_name(piece, hash);
    for (std::size_t i = 0; i + sizeof(std::uint64_t) <= piece.size(); i += sizeof(std::uint64_t)) {
      std::uint64_t number = 0;
      std::memcpy(&number, piece.data() + i, sizeof number);
      if (is_first ? number != 0 : number < result.last) result.is_ascending = false;
      result.last = number;
      is_first = false;
    }
    if (is_description) result.text += piece;
  }
  if (hash != section.hash) refuse("is damaged");
  return result;
}

// All sections: read once, then mapped.
class Sections {
 public:
  Sections(Source& source, const std::vector<SectionEntry>& table) : sections_(table) {
    for (const auto& section : table) read_.push_back(read_section(source, section, &section == &table.back()));
    memory_ = source.map();
  }

  std::uint64_t hash(std::size_t section) const { return sections_[section].hash; }
  std::uint64_t last(std::size_t section) const { return read_[section].last; }
  const std::string& description() const { return read_.back().text; }

  template <typename T>
  Numbers<T> numbers(std::size_t section, std::uint64_t count) const {
    const auto& [begin, bytes, hash] = sections_[section];
    if (bytes % sizeof(T) != 0 || bytes / sizeof(T) != count) refuse("does not fit together");
    return {std::span(reinterpret_cast<const T*>(memory_.get() + begin), count), memory_};
  }

  // Where each of `count` things begins among `all`, and where the last one ends.
  Numbers<std::int64_t> begins(std::size_t section, std::uint64_t count, std::uint64_t all) const {
    if (!read_[section].is_ascending || read_[section].last != all) refuse("does not fit together");
    return numbers<std::int64_t>(section, count + 1);
  }

  std::uint64_t count(std::size_t section, std::size_t size) const { return sections_[section].bytes / size; }

 private:
  const std::vector<SectionEntry>& sections_;
  std::vector<ReadSection> read_;
  std::shared_ptr<const std::byte> memory_;
};

void read_description(const std::string& text, FeatureFile& file) {
  TextReader reader(text);
  file.arrays.has_targets = reader.number() != 0;
  for (auto left = reader.number(); left > 0; --left) {
    FieldSpec spec;
    spec.name = reader.text();
    spec.type = static_cast<FieldType>(reader.number());
    spec.shape = static_cast<FieldShape>(reader.number());
    spec.width = static_cast<std::int64_t>(reader.number());
    spec.role = static_cast<FieldRole>(reader.number());
    file.specs.push_back(std::move(spec));
  }
  for (auto left = reader.number(); left > 0; --left) {
    const auto example = static_cast<std::int64_t>(reader.number());
    file.files.emplace_back(example, reader.number());
  }
  file.state = reader.text();
  if (!reader.is_at_end()) refuse("does not fit together");
}

}  // namespace

std::optional<FeatureFile> read_feature_file(const std::filesystem::path& path, const std::string& key) {
  Source source(path);
  if (!source.is_there()) return std::nullopt;
  const auto table = read_head(source, key);
  const Sections sections(source, table);
  FeatureFile file;
  file.bytes = static_cast<std::int64_t>(source.bytes());
  read_description(sections.description(), file);
  if (table.size() != kFixedSections + 2 * file.specs.size() + 1) refuse("does not fit together");

  auto& arrays = file.arrays;
  const auto tokens = sections.count(kIds, sizeof(std::int32_t));
  const auto begins = sections.count(kBegin, sizeof(std::int64_t));
  if (begins == 0) refuse("does not fit together");
  const auto features = begins - 1;
  const auto examples = sections.count(kLines, sizeof(std::int64_t));
  arrays.ids = sections.numbers<std::int32_t>(kIds, tokens);
  arrays.segments = sections.numbers<std::uint8_t>(kSegments, tokens);
  arrays.begin = sections.begins(kBegin, features, tokens);
  file.first_feature = sections.begins(kFirstFeature, examples, features);
  file.lines = sections.numbers<std::int64_t>(kLines, examples);
  ArrayHashes hashes{sections.hash(kIds), sections.hash(kSegments), sections.hash(kBegin), {}};
  for (std::size_t i = 0; i < file.specs.size(); ++i) {
    const auto& spec = file.specs[i];
    const auto values = kFixedSections + 2 * i;
    const bool is_filled = *arrays.has_targets || spec.role == FieldRole::kInput;
    const auto count = sections.last(values + 1);
    auto& column = arrays.columns.emplace_back();
    column.begin = sections.begins(values + 1, is_filled ? features : 0, count);
    ArrayHashes::Column hash{training::kHashOfNothing, training::kHashOfNothing, sections.hash(values + 1)};
    if (spec.type == FieldType::kInt64) {
      column.integers = sections.numbers<std::int64_t>(values, count);
      hash.integers = sections.hash(values);
    } else {
      column.reals = sections.numbers<double>(values, count);
      hash.reals = sections.hash(values);
    }
    hashes.columns.push_back(hash);
  }
  file.fingerprint = fingerprint_of(file.specs, hashes);
  return file;
}

}  // namespace berth::data

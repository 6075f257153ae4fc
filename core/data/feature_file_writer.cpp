#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "core/data/feature_file.h"
#include "core/data/feature_layout.h"
#include "core/platform/descriptor.h"
#include "core/training/random.h"

namespace berth::data {
namespace fs = std::filesystem;
namespace {

using namespace layout;

constexpr std::size_t kBuffer = std::size_t{256} << 10;  // bytes of each array

[[noreturn]] void fail(const FeatureFileWriter::Options& options) {
  throw Error(ErrorKind::kIo, {options.path.string()},
              fmt::format("can't be written: {}; {}", std::strerror(errno), options.advice));
}

void write_all(int file, std::string_view bytes, const FeatureFileWriter::Options& options) {
  if (!platform::write_all(file, bytes)) fail(options);
}

// A file that nobody sees, and that ends with this process. Where the file system knows none, one without a name; what
// a process that is killed between the two calls leaves has the ending that the feature cache clears away.
int open_nameless(const FeatureFileWriter::Options& options) {
  const auto folder = options.path.parent_path();
  const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  constexpr std::string_view kEnding = ".features.partial";
  auto name = (folder / "XXXXXX").string() + std::string(kEnding);
  const int named = ::mkostemps(name.data(), static_cast<int>(kEnding.size()), O_CLOEXEC);
  if (named < 0) fail(options);
  ::unlink(name.c_str());
  return named;
}

}  // namespace

// One section while it grows.
class FeatureFileWriter::Array {
 public:
  // file: where it is written to from its present place on.
  enum class Owns : std::uint8_t { kFile, kNothing };
  Array(int file, Owns owns, const Options& options) : options_(options), file_(file), owns_(owns) {}
  ~Array() {
    if (owns_ == Owns::kFile) ::close(file_);
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t hash() const { return hash_; }

  template <typename T>
  void add(std::span<const T> values) {
    const auto bytes = std::as_bytes(values);
    add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  void add(std::int64_t value) { add(std::span<const std::int64_t>(&value, 1)); }

  // Where things begin, as counted in a part of the set; `before`: in the parts before it.
  void add_begins(std::span<const std::int64_t> begins, std::int64_t before) {
    for (const auto begin : begins.subspan(1)) add(begin + before);
  }

  void flush() {
    write_all(file_, buffer_, options_);
    buffer_.clear();
  }

  // To the end of another file.
  void copy_to(int target) {
    if (::lseek(file_, 0, SEEK_SET) != 0) fail(options_);
    buffer_.resize(kBuffer);
    for (;;) {
      const ssize_t got = platform::read_some(file_, buffer_.data(), buffer_.size());
      if (got < 0) fail(options_);
      if (got == 0) return;
      write_all(target, std::string_view(buffer_).substr(0, static_cast<std::size_t>(got)), options_);
    }
  }

 private:
  void add(std::string_view bytes) {
    bytes_ += bytes.size();
    hash_ = training::hash_name(bytes, hash_);
    buffer_ += bytes;
    if (buffer_.size() >= kBuffer) flush();
  }

  const Options& options_;
  int file_;
  Owns owns_;
  std::string buffer_;
  std::uint64_t bytes_ = 0;
  std::uint64_t hash_ = training::kHashOfNothing;
};

FeatureFileWriter::FeatureFileWriter(Options options) : options_(std::move(options)), values_(options_.specs.size()) {
  const auto count = kFixedSections + 2 * options_.specs.size();
  const auto start = static_cast<off_t>(aligned(head_end(count + 1)));
  if (::lseek(options_.file, start, SEEK_SET) != start) fail(options_);
  arrays_.push_back(std::make_unique<Array>(options_.file, Array::Owns::kNothing, options_));
  while (arrays_.size() < count) {
    arrays_.push_back(std::make_unique<Array>(open_nameless(options_), Array::Owns::kFile, options_));
  }
  arrays_[kBegin]->add(0);
  arrays_[kFirstFeature]->add(0);
  for (auto begins = kFixedSections + 1; begins < count; begins += 2) arrays_[begins]->add(0);
}

FeatureFileWriter::~FeatureFileWriter() = default;

void FeatureFileWriter::add(const TaskData& part) {
  const auto& arrays = part.store.arrays();
  has_targets_ = arrays.has_targets;
  arrays_[kIds]->add(arrays.ids.all());
  arrays_[kSegments]->add(arrays.segments.all());
  arrays_[kBegin]->add_begins(arrays.begin.all(), tokens_);
  arrays_[kFirstFeature]->add_begins(part.first_feature.all(), features_);
  arrays_[kLines]->add(part.places.lines().all());
  for (std::size_t i = 0; i < arrays.columns.size(); ++i) {
    const auto& column = arrays.columns[i];
    auto& values = *arrays_[kFixedSections + 2 * i];
    values.add(column.integers.all());
    values.add(column.reals.all());
    arrays_[kFixedSections + 2 * i + 1]->add_begins(column.begin.all(), values_[i]);
    values_[i] += column.begin.back();
  }
  for (const auto& [example, name] : part.places.files()) {
    const auto known = std::find(options_.names.begin(), options_.names.end(), name);
    if (known == options_.names.end() && !name.empty()) {
      throw Error(ErrorKind::kConfig, {name, part.places.lines()[static_cast<std::size_t>(example)]},
                  "is the place of an example, but no file of the training set, so that nobody knows when the "
                  "example changes; take training.feature_cache away");
    }
    const std::uint64_t file = name.empty() ? 0 : static_cast<std::uint64_t>(known - options_.names.begin()) + 1;
    if (files_.empty() || files_.back().second != file) files_.emplace_back(examples_ + example, file);
  }
  tokens_ += part.store.tokens();
  features_ += part.store.size();
  examples_ += part.example_count;
}

void FeatureFileWriter::finish(const std::string& key, const std::string& state) {
  std::vector<SectionEntry> table;
  auto end = head_end(arrays_.size() + 1);
  for (auto& array : arrays_) {
    array->flush();
    const auto begin = aligned(end);
    if (!table.empty()) {
      write_all(options_.file, std::string(begin - end, '\0'), options_);
      array->copy_to(options_.file);
    }
    table.push_back({begin, array->bytes(), array->hash()});
    end = begin + array->bytes();
    if (table.size() > 1) array.reset();  // and with it what its file took of the disk
  }
  const auto text = description(state);
  write_all(options_.file, std::string(aligned(end) - end, '\0') + text, options_);
  table.push_back({aligned(end), text.size(), training::hash_name(text)});
  end = aligned(end) + text.size();

  std::string head(kMagic);
  put(head, kFormat);
  head += key;
  put(head, end);
  put(head, std::uint64_t{table.size()});
  for (const auto& [begin, bytes, hash] : table) {
    put(head, begin);
    put(head, bytes);
    put(head, hash);
  }
  put(head, training::hash_name(head));
  if (::lseek(options_.file, 0, SEEK_SET) != 0) fail(options_);
  write_all(options_.file, head, options_);
  if (::fsync(options_.file) != 0) fail(options_);
}

std::string FeatureFileWriter::description(const std::string& state) const {
  std::string text;
  put(text, std::uint64_t{has_targets_.value_or(false)});
  put(text, std::uint64_t{options_.specs.size()});
  for (const auto& spec : options_.specs) {
    put(text, std::string_view(spec.name));
    put(text, static_cast<std::uint64_t>(spec.type));
    put(text, static_cast<std::uint64_t>(spec.shape));
    put(text, static_cast<std::uint64_t>(spec.width));
    put(text, static_cast<std::uint64_t>(spec.role));
  }
  put(text, std::uint64_t{files_.size()});
  for (const auto& [example, file] : files_) {
    put(text, static_cast<std::uint64_t>(example));
    put(text, file);
  }
  put(text, std::string_view(state));
  return text;
}

}  // namespace berth::data

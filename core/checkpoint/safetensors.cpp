#include "core/checkpoint/safetensors.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "berth/error.h"
#include "core/checkpoint/whole_file.h"
#include "core/model/json_text.h"

// Layout of a file: 8 bytes, the header's length, little-endian; the header, JSON of the form
//   {"__metadata__": {"format": "pt"}, "NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
// then the tensors' bytes, little-endian, without holes. Offsets count from the end of the header.

namespace berth::checkpoint {
namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are read and written as they lie in memory");

constexpr std::size_t kLengthSize = 8;
constexpr std::size_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr const char* kMetadata = "__metadata__";

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 16> kTypes{{
    {"F64", at::kDouble},
    {"F32", at::kFloat},
    {"F16", at::kHalf},
    {"BF16", at::kBFloat16},
    {"F8_E4M3", at::kFloat8_e4m3fn},
    {"F8_E5M2", at::kFloat8_e5m2},
    {"I64", at::kLong},
    {"I32", at::kInt},
    {"I16", at::kShort},
    {"I8", at::kChar},
    {"U64", at::kUInt64},
    {"U32", at::kUInt32},
    {"U16", at::kUInt16},
    {"U8", at::kByte},
    {"BOOL", at::kBool},
    {"C64", at::kComplexFloat},
}};

using Entry = SafetensorsFile::Entry;

// Reads the header of one file; each error names the file and the entry.
class HeaderReader {
 public:
  HeaderReader(std::string file, std::size_t data_begin, std::size_t file_size)
      : file_(std::move(file)), data_begin_(data_begin), data_size_(file_size - data_begin) {}

  [[noreturn]] void fail(const std::string& text) const { throw Error(ErrorKind::kContent, Where{file_}, text); }

  Entry entry(const std::string& name, const Json& json) const {
    const auto fail_entry = [&](const std::string& text) { fail(fmt::format("tensor \"{}\": {}", name, text)); };
    if (!json.is_object()) fail_entry("its header entry is not an object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!json.contains(key)) fail_entry(fmt::format("\"{}\" is missing", key));
    }
    if (json.size() != 3) fail_entry("its header entry has other keys than dtype, shape and data_offsets");
    const Json& type = json.at("dtype");
    const auto known = std::find_if(kTypes.begin(), kTypes.end(),
                                    [&](const auto& pair) { return type.is_string() && type == pair.first; });
    if (known == kTypes.end()) fail_entry(fmt::format("dtype {} is not one that berth knows", type.dump()));
    Entry entry{name, known->second, {}, 0, 0};
    if (!read_shape(json.at("shape"), entry)) fail_entry("its shape is not a list of sizes that memory can hold");
    if (!read_offsets(json.at("data_offsets"), entry)) {
      fail_entry(fmt::format("its data_offsets {} don't lie within the file's {} bytes of data; is the file truncated?",
                             json.at("data_offsets").dump(), data_size_));
    }
    const std::size_t needed = elements(entry) * c10::elementSize(entry.dtype);  // checked by read_shape
    if (entry.end - entry.begin != needed) {
      fail_entry(fmt::format("its shape [{}] of {} takes {} bytes, its data_offsets hold {}",
                             fmt::join(entry.shape, ", "), known->first, needed, entry.end - entry.begin));
    }
    return entry;
  }

  // Entries sorted by their bytes have to follow one another up to the end of the file.
  void check_order(const std::vector<Entry>& entries) const {
    std::size_t next = data_begin_;
    for (const Entry& entry : entries) {
      if (entry.begin != next) {
        fail(fmt::format("tensor \"{}\" begins at byte {} where {} was expected: {}", entry.name, entry.begin, next,
                         entry.begin < next ? "it overlaps the one before" : "there is a hole before it"));
      }
      next = entry.end;
    }
    if (next != data_begin_ + data_size_) {
      fail(fmt::format("{} bytes after the last tensor belong to none", data_begin_ + data_size_ - next));
    }
  }

 private:
  // Counts zero sizes as one for the check, since strides are computed like that.
  static bool read_shape(const Json& json, Entry& entry) {
    if (!json.is_array()) return false;
    std::int64_t product = static_cast<std::int64_t>(c10::elementSize(entry.dtype));
    for (const Json& size : json) {
      if (!size.is_number_unsigned() || size.get<std::uint64_t>() > std::uint64_t{1} << 62) return false;
      entry.shape.push_back(size.get<std::int64_t>());
      if (__builtin_mul_overflow(product, std::max<std::int64_t>(entry.shape.back(), 1), &product)) return false;
    }
    return true;
  }

  static std::size_t elements(const Entry& entry) {
    std::size_t product = 1;
    for (const std::int64_t size : entry.shape) product *= static_cast<std::size_t>(size);
    return product;
  }

  bool read_offsets(const Json& json, Entry& entry) const {
    if (!json.is_array() || json.size() != 2 || !json[0].is_number_unsigned() || !json[1].is_number_unsigned()) {
      return false;
    }
    const auto begin = json[0].get<std::uint64_t>();
    const auto end = json[1].get<std::uint64_t>();
    if (begin > end || end > data_size_) return false;
    entry.begin = data_begin_ + begin;
    entry.end = data_begin_ + end;
    return true;
  }

  std::string file_;
  std::size_t data_begin_;
  std::size_t data_size_;
};

}  // namespace

// The file in memory, read-only.
class SafetensorsFile::Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (file < 0 || ::fstat(file, &status) != 0) fail(path, file, std::strerror(errno));
    if (!S_ISREG(status.st_mode)) fail(path, file, "not a regular file");
    size_ = static_cast<std::size_t>(status.st_size);
    void* memory = size_ == 0 ? nullptr : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) fail(path, file, std::strerror(errno));
    ::close(file);
    data_ = static_cast<char*>(memory);
  }
  ~Mapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return data_; }
  std::size_t size() const { return size_; }

  void release(std::size_t begin, std::size_t end) const {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    begin = begin / page * page;
    ::madvise(data_ + begin, end - begin, MADV_DONTNEED);  // advice alone: a refusal costs memory, nothing else
  }

 private:
  [[noreturn]] static void fail(const std::filesystem::path& path, int file, const char* why) {
    const std::string text = fmt::format("can't be read: {}", why);
    if (file >= 0) ::close(file);
    throw Error(ErrorKind::kIo, Where{path.string()}, text);
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), mapping_(std::make_shared<const Mapping>(path)) {
  const auto fail = [&](const std::string& text) { throw Error(ErrorKind::kContent, Where{path.string()}, text); };
  if (mapping_->size() < kLengthSize) fail("not a safetensors file: it is shorter than 8 bytes");
  std::uint64_t length = 0;
  std::memcpy(&length, mapping_->data(), kLengthSize);
  if (length > kLargestHeader) {
    fail(fmt::format("not a safetensors file: its header would be {} bytes long, at most {} are allowed", length,
                     kLargestHeader));
  }
  if (length > mapping_->size() - kLengthSize) {
    fail(fmt::format("truncated: the header is {} bytes long, the file {}", length, mapping_->size()));
  }
  const Json header = model::parse_json({mapping_->data() + kLengthSize, length}, path.string());
  if (!header.is_object()) fail("not a safetensors file: its header is not a JSON object");
  const HeaderReader reader(path.string(), kLengthSize + length, mapping_->size());
  for (const auto& [name, json] : header.items()) {
    if (name != kMetadata) {
      entries_.push_back(reader.entry(name, json));
      continue;
    }
    if (!json.is_object()) fail("\"__metadata__\" is not an object");
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string()) fail(fmt::format("\"__metadata__\": the value of \"{}\" is not a string", key));
      metadata_[key] = value.get<std::string>();
    }
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  reader.check_order(entries_);
  for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].name, i);
}

bool SafetensorsFile::contains(const std::string& name) const { return index_.count(name) > 0; }

const SafetensorsFile::Entry& SafetensorsFile::entry(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw Error(ErrorKind::kContent, Where{path_.string()}, fmt::format("there is no tensor \"{}\"", name));
  }
  return entries_[found->second];
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const Entry& found = entry(name);
  const auto options = at::TensorOptions().dtype(found.dtype);
  char* data = mapping_->data() + found.begin;
  if (found.begin == found.end) return at::empty(found.shape, options);
  if (reinterpret_cast<std::uintptr_t>(data) % c10::elementSize(found.dtype) != 0) {
    at::Tensor copy = at::empty(found.shape, options);
    std::memcpy(copy.mutable_data_ptr(), data, found.end - found.begin);
    return copy;
  }
  return at::from_blob(
      data, found.shape, [keep = mapping_](void*) {}, options);
}

void SafetensorsFile::release(const std::string& name) const {
  const Entry& found = entry(name);
  if (found.begin < found.end) mapping_->release(found.begin, found.end);
}

NamedTensors read_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  NamedTensors tensors;
  for (const auto& entry : file.entries()) tensors.push_back({entry.name, file.tensor(entry.name)});
  return tensors;
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const at::NoGradGuard no_grad;
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& named : tensors) order.push_back(&named);
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return a->tensor.element_size() > b->tensor.element_size();
  });
  nlohmann::ordered_json header = {{kMetadata, {{"format", "pt"}}}};
  for (const auto& [key, value] : metadata) header[kMetadata][key] = value;
  std::size_t offset = 0;
  for (const NamedTensor* named : order) {
    const at::ScalarType dtype = named->tensor.scalar_type();
    const auto known =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& pair) { return pair.second == dtype; });
    TORCH_CHECK(known != kTypes.end(), named->name, ": safetensors has no type for ", dtype);
    TORCH_CHECK(!header.contains(named->name), "two tensors are named ", named->name);
    const std::size_t end = offset + named->tensor.nbytes();
    header[named->name] = {
        {"dtype", known->first}, {"shape", named->tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  WholeFile file(path);
  file.write(&length, kLengthSize);
  file.write(text.data(), text.size());
  for (const NamedTensor* named : order) {
    const at::Tensor plain = named->tensor.detach().cpu().contiguous();
    file.write(plain.const_data_ptr(), plain.nbytes());
  }
  file.commit();
}

}  // namespace berth::checkpoint

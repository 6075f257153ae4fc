#include "core/checkpoint/safetensors.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "berth/error.h"
#include "core/checkpoint/plain_text.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"

// Layout of a file: 8 bytes, the header's length, little-endian; the header, JSON of the form
//   {"__metadata__": {"format": "pt"}, "NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
// then the tensors' bytes, little-endian, without holes. Offsets count from the end of the header.

namespace berth::checkpoint {
namespace {

using Json = nlohmann::json;

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
    const auto fail_entry = [&](const std::string& text) { fail(fmt::format("tensor {}: {}", in_quotes(name), text)); };
    if (!json.is_object()) fail_entry("its header entry is not an object");
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!json.contains(key)) fail_entry(fmt::format("\"{}\" is missing", key));
    }
    if (json.size() != 3) fail_entry("its header entry has other keys than dtype, shape and data_offsets");
    const Json& type = json.at("dtype");
    const auto known = std::find_if(kTypes.begin(), kTypes.end(),
                                    [&](const auto& pair) { return type.is_string() && type == pair.first; });
    if (known == kTypes.end()) {
      const std::string found = type.is_string() ? type.get<std::string>() : type.type_name();
      fail_entry(fmt::format("dtype {} is not one that berth knows", in_quotes(found)));
    }
    Entry entry{name, known->second, {}, 0, 0};
    if (!read_shape(json.at("shape"), entry)) fail_entry("its shape is not a list of sizes that memory can hold");
    if (!read_offsets(json.at("data_offsets"), entry)) {
      fail_entry(fmt::format("its data_offsets {} don't lie within the file's {} bytes of data; is the file truncated?",
                             in_quotes(json.at("data_offsets").dump()), data_size_));
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
        fail(fmt::format("tensor {} begins at byte {} where {} was expected: {}", in_quotes(entry.name), entry.begin,
                         next, entry.begin < next ? "it overlaps the one before" : "there is a hole before it"));
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

// The header's length, from a file's first bytes.
std::uint64_t header_length(std::string_view bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthSize);
  return length;
}

// Whether a file that begins like this may be one of safetensors.
void check_start(const TensorFile::Start& start) {
  const auto fail = [&](const std::string& text) { throw Error(ErrorKind::kContent, Where{start.path}, text); };
  if (start.file_size < kLengthSize) fail("not a safetensors file: it is shorter than 8 bytes");
  const std::uint64_t length = header_length(start.bytes);
  if (length > kLargestHeader) {
    fail(fmt::format("not a safetensors file: its header would be {} bytes long, at most {} are allowed", length,
                     kLargestHeader));
  }
  if (length > start.file_size - kLengthSize) {
    fail(fmt::format("truncated: the header is {} bytes long, the file {}", length, start.file_size));
  }
  if (length == 0 || start.bytes[kLengthSize] != '{') {
    fail("not a safetensors file: its header is not a JSON object, which begins with {");
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : TensorFile(path, &check_start) {
  const std::string_view file = bytes();
  const auto fail = [&](const std::string& text) { throw Error(ErrorKind::kContent, Where{path.string()}, text); };
  const std::uint64_t length = header_length(file);
  const Json header = model::parse_json({file.data() + kLengthSize, length}, path.string());
  if (!header.is_object()) fail("not a safetensors file: its header is not a JSON object");
  const HeaderReader reader(path.string(), kLengthSize + length, file.size());
  std::vector<Entry> entries;  // in the order of their bytes
  for (const auto& [name, json] : header.items()) {
    if (name != kMetadata) {
      entries.push_back(reader.entry(name, json));
      continue;
    }
    if (!json.is_object()) fail("\"__metadata__\" is not an object");
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string()) fail(fmt::format("\"__metadata__\": the value of {} is not a string", in_quotes(key)));
      metadata_[key] = value.get<std::string>();
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  reader.check_order(entries);
  set_entries(std::move(entries));
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
  platform::WholeFile file(path);
  file.write(&length, kLengthSize);
  file.write(text.data(), text.size());
  for (const NamedTensor* named : order) {
    const at::Tensor plain = named->tensor.detach().cpu().contiguous();
    file.write(plain.const_data_ptr(), plain.nbytes());
  }
  file.commit();
}

}  // namespace berth::checkpoint

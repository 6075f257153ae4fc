// A state dict of torch.save, such as pytorch_model.bin: TorchFile, and every byte that its tensors reach. A pickle
// alone is also read as the data.pkl of an archive, and an archive with its checksums set right: else hardly a change
// of either would get past them.

#include "core/checkpoint/torch_file.h"

#include <cstring>
#include <string>

#include "core/checkpoint/crc32.h"
#include "fuzz.h"

using namespace berth;

namespace {

constexpr std::int64_t kMostCopied = 4096;  // elements: strides of zero make a large tensor of a small file

unsigned touch(const at::Tensor& tensor, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.const_data_ptr());
  unsigned sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += bytes[i];
  return sum;
}

void look_at(std::string_view content) {
  static const fuzz::MemoryFile memory;
  memory.write(content);
  fuzz::accepts({ErrorKind::kContent}, [&] {
    const checkpoint::TorchFile file(memory.path());
    try {
      for (const auto& entry : file.entries()) {
        fuzz::require(file.contains(entry.name), "an entry is found by its name");
        fuzz::require(entry.begin <= entry.end && entry.end <= content.size(), "a tensor lies within the file");
        const at::Tensor tensor = file.tensor(entry.name);
        fuzz::require(tensor.sizes() == at::IntArrayRef(entry.shape) && tensor.scalar_type() == entry.dtype,
                      "a tensor is what its entry says");
        touch(tensor, entry.end - entry.begin);
        file.release(entry.name);
        if (tensor.numel() <= kMostCopied) tensor.clone(at::MemoryFormat::Contiguous);
      }
    } catch (const Error& error) {
      fuzz::broken("the tensors of a file that was taken can be read", error.what());
    }
  });
}

template <typename T>
T number(std::string_view bytes, std::size_t at) {
  T value = 0;
  if (at <= bytes.size() && sizeof(T) <= bytes.size() - at) std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

// A zip archive of stored entries; see core/checkpoint/zip_archive.cpp for the layout.
class ZipWriter {
 public:
  void add(std::string_view name, std::string_view content) {
    const auto begin = static_cast<std::uint32_t>(archive_.size());
    std::string sizes;  // what the local header and the directory's have in common
    for (const std::uint16_t field : {20, 0, 0, 0, 0}) append(sizes, field);  // version, flags, method, time, date
    append(sizes, checkpoint::crc32(content));
    append(sizes, static_cast<std::uint32_t>(content.size()));
    append(sizes, static_cast<std::uint32_t>(content.size()));
    append(sizes, static_cast<std::uint16_t>(name.size()));
    append(sizes, std::uint16_t{0});  // extra
    archive_.append("PK\3\4").append(sizes).append(name).append(content);
    directory_.append("PK\1\2").append("\x14\0", 2).append(sizes).append(std::string(10, '\0'));
    append(directory_, begin);
    directory_.append(name);
    ++count_;
  }

  std::string finished() const {
    std::string end("PK\5\6\0\0\0\0", 8);
    append(end, count_);
    append(end, count_);
    append(end, static_cast<std::uint32_t>(directory_.size()));
    append(end, static_cast<std::uint32_t>(archive_.size()));
    append(end, std::uint16_t{0});
    return archive_ + directory_ + end;
  }

 private:
  std::string archive_;
  std::string directory_;
  std::uint16_t count_ = 0;
};

// With storages of the names that the kept pickles use.
std::string archive_of(std::string_view pickle) {
  ZipWriter writer;
  writer.add("a/data.pkl", pickle);
  writer.add("a/byteorder", "little");
  writer.add("a/data/0", std::string(24, '\1'));
  writer.add("a/data/1", std::string(32, '\2'));
  writer.add("a/data/2", std::string(1, '\1'));
  return writer.finished();
}

// The archive with each entry's CRC-32 as its bytes have it, as far as the archive can be understood.
std::string corrected(std::string_view archive) {
  std::string result(archive);
  if (archive.size() < 22) return result;
  const std::size_t end = archive.size() - 22;
  std::size_t at = number<std::uint32_t>(archive, end + 16);
  for (unsigned left = number<std::uint16_t>(archive, end + 10); left > 0 && at < end && end - at >= 46; --left) {
    const std::size_t size = number<std::uint32_t>(archive, at + 24);
    const std::size_t local = number<std::uint32_t>(archive, at + 42);
    const std::size_t begin =
        local + 30 + number<std::uint16_t>(archive, local + 26) + number<std::uint16_t>(archive, local + 28);
    if (begin <= end && size <= end - begin) {
      const std::uint32_t crc = checkpoint::crc32(archive.substr(begin, size));
      std::memcpy(result.data() + at + 16, &crc, sizeof(crc));
      std::memcpy(result.data() + local + 14, &crc, sizeof(crc));
    }
    at += 46U + number<std::uint16_t>(archive, at + 28) + number<std::uint16_t>(archive, at + 30) +
          number<std::uint16_t>(archive, at + 32);
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text_of(data, size);
  look_at(input);
  if (input.starts_with("PK")) look_at(corrected(input));
  if (input.starts_with('\x80')) look_at(archive_of(input));
  return 0;
}

// A safetensors file: SafetensorsFile, and every byte of every tensor that it says it has.

#include "core/checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>

#include "fuzz.h"

using namespace berth;

namespace {

constexpr std::size_t kLengthSize = 8;

// Every byte is read, so that the sanitizer sees one that is not the file's.
unsigned touch(const at::Tensor& tensor) {
  const auto* bytes = static_cast<const unsigned char*>(tensor.const_data_ptr());
  unsigned sum = 0;
  for (std::size_t i = 0; i < tensor.nbytes(); ++i) sum += bytes[i];
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::MemoryFile memory;
  memory.write(fuzz::text_of(data, size));
  fuzz::accepts({ErrorKind::kContent}, [&] {
    const checkpoint::SafetensorsFile file(memory.path());
    std::size_t bytes = 0;
    try {
      for (const auto& entry : file.entries()) {
        fuzz::require(file.contains(entry.name), "an entry is found by its name");
        const at::Tensor tensor = file.tensor(entry.name);
        fuzz::require(tensor.sizes() == at::IntArrayRef(entry.shape) && tensor.scalar_type() == entry.dtype,
                      "a tensor is what its entry says");
        bytes += tensor.nbytes();
        touch(tensor);
        file.release(entry.name);
        touch(tensor);
      }
    } catch (const Error& error) {
      fuzz::broken("the tensors of a file that was taken can be read", error.what());
    }
    fuzz::require(bytes <= size, "tensors are no larger than their file");
  });
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

// A file whose first 8 bytes don't say the header's length is refused at once, and nearly every change of the header
// would make it one. So mostly either the header alone is changed and its length set right, or what comes after it.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::uint64_t length = 0;
  if (size >= kLengthSize) std::memcpy(&length, data, kLengthSize);
  if (size < kLengthSize || length > size - kLengthSize || max_size < size || seed % 8 == 0) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const std::size_t header_end = kLengthSize + static_cast<std::size_t>(length);
  if (seed % 8 == 1) {
    return header_end + LLVMFuzzerMutate(data + header_end, size - header_end, max_size - header_end);
  }
  const std::string rest(reinterpret_cast<const char*>(data) + header_end, size - header_end);
  length = LLVMFuzzerMutate(data + kLengthSize, static_cast<std::size_t>(length), max_size - kLengthSize - rest.size());
  std::memcpy(data, &length, kLengthSize);
  std::memcpy(data + kLengthSize + length, rest.data(), rest.size());
  return kLengthSize + static_cast<std::size_t>(length) + rest.size();
}

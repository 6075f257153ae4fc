#include "core/data/file_fingerprint.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <system_error>

#include "berth/error.h"
#include "core/data/input_files.h"
#include "core/training/random.h"

namespace berth::data {
namespace {

constexpr std::uintmax_t kEnd = 1 << 20;

std::uint64_t fingerprint_of(const InputFile& file) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(file.path, failed);
  std::ifstream in(file.path, std::ios::binary);
  const auto read = [&](std::uintmax_t from) {
    std::string bytes(std::min(kEnd, size - from), '\0');
    in.seekg(static_cast<std::streamoff>(from));
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return training::hash_name(bytes);
  };
  if (!failed && in) {
    const auto first = read(0);
    const auto last = read(size - std::min(kEnd, size));
    if (in) return training::mix({size, first, last});
  }
  throw Error(ErrorKind::kIo, {file.name}, "can't be read; is it a file, and may you read it?");
}

}  // namespace

std::uint64_t file_fingerprint(const std::filesystem::path& path) {
  std::uint64_t result = 0;
  for (const auto& file : input_files(path)) result = training::mix({result, fingerprint_of(file)});
  return result;
}

}  // namespace berth::data

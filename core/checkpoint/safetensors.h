// Safetensors files: reading with every bound checked, and writing. No tensor of a hostile file reads
// outside of the file.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/checkpoint/tensor_file.h"
#include "core/model/named_tensor.h"

namespace berth::checkpoint {

// Entries stand in the order of their bytes.
class SafetensorsFile : public TensorFile {
 public:
  // Throws Error kIo where the file can't be read, kContent (with the entry's name) for a header over 100 MB, bad JSON,
  // a duplicate key, a dtype we don't know, a size that doesn't match its shape, overlap, a hole, or a truncated file.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  std::map<std::string, std::string> metadata_;
};

// All of a file, as views of what was read. Throws as SafetensorsFile does.
NamedTensors read_safetensors(const std::filesystem::path& path);

// Writes `tensors` (any layout and device; stored contiguous) in the order given, wider types first so that each is
// aligned, with metadata {"format": "pt"} and what is in `metadata`; through a temporary file that is synced and
// renamed. Throws kIo.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace berth::checkpoint

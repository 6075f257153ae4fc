// Safetensors files: memory-mapped reading with every bound checked, and writing. No tensor of a hostile file reads
// outside of the file.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/model/named_tensor.h"

namespace berth::checkpoint {

class SafetensorsFile {
 public:
  struct Entry {
    std::string name;
    at::ScalarType dtype;
    std::vector<std::int64_t> shape;
    std::size_t begin = 0;  // bytes from the start of the file
    std::size_t end = 0;
  };

  // Throws Error kIo where the file can't be read, kContent (with the entry's name) for a header over 100 MB, bad JSON,
  // a duplicate key, a dtype we don't know, a size that doesn't match its shape, overlap, a hole, or a truncated file.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::vector<Entry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool contains(const std::string& name) const;

  // A read-only view of the mapping, which it keeps alive (a copy where the file has it at an odd address). Throws
  // Error kContent where there is no such entry.
  at::Tensor tensor(const std::string& name) const;

  // Gives the pages of an entry back to the system, so that they don't count as this process's memory; they are read
  // again if need be.
  void release(const std::string& name) const;

 private:
  class Mapping;
  const Entry& entry(const std::string& name) const;

  std::filesystem::path path_;
  std::shared_ptr<const Mapping> mapping_;
  std::vector<Entry> entries_;  // in the order of their bytes
  std::map<std::string, std::size_t> index_;
  std::map<std::string, std::string> metadata_;
};

// All of a file, as views of its mapping. Throws as SafetensorsFile does.
NamedTensors read_safetensors(const std::filesystem::path& path);

// Writes `tensors` (any layout and device; stored contiguous) in the order given, wider types first so that each is
// aligned, with metadata {"format": "pt"} and what is in `metadata`; through a temporary file that is synced and
// renamed. Throws kIo.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace berth::checkpoint

// A plugin's file as bytes, for those who look at it without loading it.
#pragma once

#include <filesystem>
#include <string>

#include "core/plugin/elf_section.h"

namespace berth::plugin {

// At most 2 GB, read-only.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& reason() const { return reason_; }  // why it can't be read; "" where all went well
  Bytes bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

 private:
  void map(int descriptor);

  void* address_ = nullptr;
  std::size_t size_ = 0;
  std::string reason_;
};

}  // namespace berth::plugin

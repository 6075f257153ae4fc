// The zip archives that torch.save writes, read from memory with every bound checked: stored entries alone, CRC-32,
// zip64. TorchFile finds its pickle and its storages here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace berth::checkpoint {

class ZipArchive {
 public:
  struct Entry {
    std::size_t begin = 0;  // of its bytes, from the start of the file
    std::size_t size = 0;
    std::uint32_t crc = 0;
  };

  // bytes: the whole file; has to outlive the archive. path: named in errors. Throws Error kContent for what is cut,
  // compressed, encrypted or spread over several disks, for an entry that overlaps another, stands twice, or has a name
  // that leads out of a folder, and for more than 100,000 entries.
  ZipArchive(std::string_view bytes, std::string path);

  const std::map<std::string, Entry>& entries() const { return entries_; }

  // Null where there is none of that name.
  const Entry* find(const std::string& name) const;

  // The entry's bytes. Throws Error kContent where there is no such entry or where its bytes don't have its CRC.
  std::string_view read(const std::string& name) const;

 private:
  std::string_view bytes_;
  std::string path_;
  std::map<std::string, Entry> entries_;
};

}  // namespace berth::checkpoint

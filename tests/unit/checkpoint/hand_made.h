// Files of torch.save put together by hand, so that tests can bend any part of them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/checkpoint/crc32.h"
#include "core/model/named_tensor.h"

namespace berth::testing {

template <typename T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// --- Pickles ---------------------------------------------------------------------------------------------------------

inline std::string text(std::string_view value) {
  return "X" + bytes_of(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
inline std::string number(std::int64_t value) { return "\x8a\x08" + bytes_of(value); }
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string result = "(";
  for (const std::string& item : items) result += item;
  return result + "t";
}
inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(number(value));
  return tuple(items);
}
inline std::string storage(std::string_view type, std::string_view key, std::int64_t count,
                           const std::string& extra = "") {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count), extra}) + "Q";
}
inline std::string tensor(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& strides) {
  return global("torch._utils", "_rebuild_tensor_v2") +
         tuple({storage, number(offset), numbers(sizes), numbers(strides), "\x89", "}"}) + "R";
}
// Keys and values in turn.
inline std::string dict(const std::vector<std::string>& items) {
  std::string result = "}(";
  for (const std::string& item : items) result += item;
  return result + "u";
}
inline std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

// --- Zip archives ----------------------------------------------------------------------------------------------------

struct ZipEntry {
  std::string name;
  std::string content;
  // What the directory says where it is to lie.
  std::uint16_t flags = 0x800;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;  // 0: the right one
  std::int64_t size = -1;
  std::int64_t begin = -1;
  std::string extra = {};
};

inline std::string zip(const std::vector<ZipEntry>& entries) {
  std::string file;
  std::string directory;
  for (const ZipEntry& entry : entries) {
    const auto begin = entry.begin < 0 ? file.size() : static_cast<std::size_t>(entry.begin);
    const std::uint32_t crc = entry.crc == 0 ? checkpoint::crc32(entry.content) : entry.crc;
    const auto size = static_cast<std::uint32_t>(entry.size < 0 ? entry.content.size() : entry.size);
    const auto name_size = static_cast<std::uint16_t>(entry.name.size());
    const std::string middle = bytes_of(entry.flags) + bytes_of(entry.method) + std::string(4, '\0') + bytes_of(crc) +
                               bytes_of(size) + bytes_of(size) + bytes_of(name_size);
    file += "PK\3\4" + bytes_of<std::uint16_t>(0) + middle + bytes_of<std::uint16_t>(0) + entry.name + entry.content;
    directory += "PK\1\2" + bytes_of<std::uint32_t>(0) + middle +
                 bytes_of(static_cast<std::uint16_t>(entry.extra.size())) + std::string(10, '\0') +
                 bytes_of(static_cast<std::uint32_t>(begin)) + entry.name + entry.extra;
  }
  const auto count = static_cast<std::uint16_t>(entries.size());
  return file + directory + "PK\5\6" + std::string(4, '\0') + bytes_of(count) + bytes_of(count) +
         bytes_of(static_cast<std::uint32_t>(directory.size())) + bytes_of(static_cast<std::uint32_t>(file.size())) +
         std::string(2, '\0');
}

// --- Whole files -----------------------------------------------------------------------------------------------------

using Storages = std::vector<std::pair<std::string, std::string>>;  // key, bytes

inline std::string archive(const std::string& value, const Storages& storages) {
  std::vector<ZipEntry> entries{{"archive/data.pkl", pickle(value)}, {"archive/byteorder", "little"}};
  for (const auto& [key, content] : storages) entries.push_back({"archive/data/" + key, content});
  return zip(entries);
}

// The pickles that come before the dict.
inline std::string preamble(bool is_little = true, std::int64_t version = 1001) {
  const std::string magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
  return pickle(magic) + pickle(number(version)) + pickle(dict({text("little_endian"), is_little ? "\x88" : "\x89"}));
}

inline std::string stream(const std::string& value, const Storages& storages, std::size_t element = 4) {
  std::string keys = "](";
  std::string content;
  for (const auto& [key, values] : storages) {
    keys += text(key);
    content += bytes_of(static_cast<std::uint64_t>(values.size() / element)) + values;
  }
  return preamble() + pickle(value) + pickle(keys + "e") + content;
}

// A state dict of contiguous float tensors, and its storages.
inline std::pair<std::string, Storages> state_dict(const NamedTensors& tensors) {
  std::vector<std::string> items;
  Storages storages;
  for (const auto& [name, values] : tensors) {
    const std::string key = std::to_string(storages.size());
    items.push_back(text(name));
    items.push_back(
        tensor(storage("FloatStorage", key, values.numel()), 0, values.sizes().vec(), values.strides().vec()));
    storages.emplace_back(key, std::string(static_cast<const char*>(values.const_data_ptr()), values.nbytes()));
  }
  return {dict(items), storages};
}

}  // namespace berth::testing

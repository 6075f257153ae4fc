// Plain files out of compressed ones, of named pipes and of standard input: what is read more than once and opened by
// plugins that know nothing of all this. Each is unpacked once, into a private temporary folder, under the name that it
// has without .gz or .zst, so that formats by extension go on working. Called by input_files() and `berth predict`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/platform/temporary_folder.h"

namespace berth::data {

// A file as the user knows it, and where its plain bytes stand.
struct InputFile {
  std::string name;            // for messages and Example::where
  std::filesystem::path path;  // the same, but for what was unpacked
};

constexpr auto kStandardInput = "-";  // as a path

// How a path is called in messages: "standard input" for "-".
std::string display_name(const std::filesystem::path& path);

class UnpackedFiles {
 public:
  // keep_free: bytes that stay free on the disk with the temporary folder; nothing: 256 MiB, or a tenth of a small
  // disk.
  explicit UnpackedFiles(std::optional<std::uintmax_t> keep_free = {}) : keep_free_(keep_free) {}

  // The process's. Standard input can be read but once, so what was read of it belongs to no one else.
  static UnpackedFiles& of_process();

  // The file itself where it is no compressed file and no pipe; also where it is missing or unreadable, so that whoever
  // opens it says so. The first bytes decide; a name that ends in .gz or .zst promises them. Throws Error kContent for
  // a compressed file that is empty, cut off or damaged and for standard input without a byte, kConfig for a terminal
  // as standard input, kIo where there is no room. Any thread.
  InputFile plain(const std::filesystem::path& file);

 private:
  std::filesystem::path unpack(const std::filesystem::path& file);

  std::mutex mutex_;
  std::optional<std::uintmax_t> keep_free_;
  std::optional<platform::TemporaryFolder> folder_;
  std::map<std::filesystem::path, std::filesystem::path> plain_of_;
};

}  // namespace berth::data

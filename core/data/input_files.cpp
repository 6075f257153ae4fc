#include "core/data/input_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "berth/error.h"
#include "core/suite/option_binder.h"

namespace berth::data {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kSpecial = "*?[";

bool is_pattern(const std::string& text) { return text.find_first_of(kSpecial) != std::string::npos; }

// As far as the path is there: what stands in it is no pattern, be it a folder called "data[1]".
fs::path folder_that_is_there(const fs::path& pattern) {
  fs::path folder;
  std::error_code error;
  for (const auto& part : pattern.parent_path()) {
    if (!fs::is_directory(folder / part, error)) break;
    folder /= part;
  }
  return folder;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\' || kSpecial.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void fail_without_match(const fs::path& pattern, const fs::path& folder) {
  constexpr std::size_t kNamed = 5;
  const auto missing = *pattern.lexically_relative(folder).begin();
  auto names = names_in(folder);
  auto wanted = missing.string();
  wanted.erase(std::remove_if(wanted.begin(), wanted.end(), [](char c) { return std::strchr("*?[]", c) != nullptr; }),
               wanted.end());
  const auto nearest = suite::nearest_name(wanted, names);
  const auto count = names.size();
  names.resize(std::min(count, kNamed));
  auto has = count == 0 ? "is empty" : fmt::format("has {}", fmt::join(names, ", "));
  if (count > kNamed) has += fmt::format(" and {} more", count - kNamed);
  throw Error(ErrorKind::kIo, {pattern.string()},
              fmt::format("no file matches this pattern; {} {}{}. Check the path in the suite, which counts from the "
                          "suite's folder",
                          folder.string(), has, nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
}

// Without order, folders among them.
std::vector<fs::path> glob_paths(const std::string& pattern, const std::string& name) {
  glob_t found{};
  const int result = ::glob(pattern.c_str(), GLOB_ERR | GLOB_NOSORT, nullptr, &found);
  const int error = errno;
  std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  const bool is_missing = result == GLOB_NOMATCH || (result == GLOB_ABORTED && (error == ENOENT || error == ENOTDIR));
  if (result != 0 && !is_missing) {
    throw Error(ErrorKind::kIo, {name},
                fmt::format("a folder of this pattern can't be read: {}", std::strerror(error)));
  }
  return paths;
}

}  // namespace

std::vector<fs::path> match_files(const fs::path& path) {
  std::error_code error;
  if (!is_pattern(path.string()) || fs::exists(path, error)) return {path};
  const auto folder = folder_that_is_there(path);
  const auto rest = path.lexically_relative(folder).string();
  if (!is_pattern(rest)) return {path};
  auto paths = glob_paths(escaped((folder / "").string()) + rest, path.string());
  paths.erase(std::remove_if(paths.begin(), paths.end(), [](const auto& p) { return fs::is_directory(p); }),
              paths.end());
  if (paths.empty()) fail_without_match(path, folder);
  std::sort(paths.begin(), paths.end(), [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return paths;
}

std::vector<InputFile> input_files(const fs::path& path) {
  const auto paths = match_files(path);
  std::vector<InputFile> files;
  files.reserve(paths.size());
  for (const auto& one : paths) files.push_back(UnpackedFiles::of_process().plain(one));
  return files;
}

}  // namespace berth::data

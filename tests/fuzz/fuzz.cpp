#include "fuzz.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace berth::fuzz {
namespace {

// The harness itself failed: no finding, but nothing goes on without it.
[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "the fuzz target can't %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

void write_all(int file, std::string_view content) {
  if (::ftruncate(file, 0) != 0) give_up("empty a file");
  for (std::size_t at = 0; at < content.size();) {
    const ssize_t written = ::pwrite(file, content.data() + at, content.size() - at, static_cast<off_t>(at));
    if (written <= 0) give_up("write a file");
    at += static_cast<std::size_t>(written);
  }
}

}  // namespace

void broken(const char* promise, std::string_view found) {
  std::fprintf(stderr, "broken promise: %s\n%.*s\n", promise, static_cast<int>(found.size()), found.data());
  std::abort();
}

std::vector<std::string_view> parts_of(std::string_view input, std::size_t count) {
  std::vector<std::string_view> parts(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 == count ? std::string_view::npos : input.find('\xFF');
    parts[i] = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
  }
  return parts;
}

Choices::Choices(std::string_view& input) {
  if (input.empty()) return;
  bits_ = static_cast<unsigned char>(input.front()) & 0x3FU;
  input.remove_prefix(1);
}

unsigned Choices::one_of(unsigned count) {
  const unsigned chosen = bits_ % count;
  bits_ /= count;
  return chosen;
}

MemoryFile::MemoryFile() : file_(::memfd_create("input", MFD_CLOEXEC)) {
  if (file_ < 0) give_up("make a file in memory");
  path_ = "/proc/self/fd/" + std::to_string(file_);
}

void MemoryFile::write(std::string_view content) const { write_all(file_, content); }

Folder::Folder() {
  path_ = (std::filesystem::temp_directory_path() / "berth_fuzz_XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) give_up("make a temporary folder");
}

void Folder::write(const std::string& name, std::string_view content) const {
  const auto path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) give_up("open a file");
  write_all(file, content);
  ::close(file);
}

void Folder::remove(const std::string& name) const { std::filesystem::remove(std::filesystem::path(path_) / name); }

}  // namespace berth::fuzz

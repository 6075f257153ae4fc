// SHA-256, as OpenSSL computes it: of what is kept and has to be known again by its content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace berth::platform {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(const void* data, std::size_t size);
  void add(std::string_view text) { add(text.data(), text.size()); }

  // 64 digits. The last call.
  std::string hex();

 private:
  evp_md_ctx_st* context_;
};

struct FileHash {
  std::uintmax_t bytes = 0;
  std::string hex;
};

// Throws Error kIo for a file that can't be read.
FileHash sha256_of(const std::filesystem::path& file);

}  // namespace berth::platform

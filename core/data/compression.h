// Gzip and zstd, a piece at a time, on zlib and libzstd themselves: Boost.Iostreams takes a zstd file that was cut off
// for a whole one. Called by what opens data files, and by `berth predict` for its output.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace berth::data {

enum class Compression : std::uint8_t { kNone, kGzip, kZstd };

// "gzip", "zstd".
std::string_view name_of(Compression compression);

constexpr std::size_t kSignatureBytes = 4;

// By the first bytes of a file; fewer than kSignatureBytes are a file that has no more.
Compression compression_by_signature(std::string_view start);

// By what the name ends in: .gz or .zst, in any case.
Compression compression_by_name(const std::filesystem::path& file);

// "mails.csv" of "mails.csv.gz"; any other name as it is.
std::string name_without_compression(const std::filesystem::path& file);

// Gets pieces of bytes, in order.
using ByteSink = std::function<void(std::string_view)>;

// What is wrong with compressed bytes: "incorrect data check". The caller knows which file it was.
struct DamagedData {
  std::string reason;
};

// From compressed bytes to plain ones. A file may have several members (gzip) or frames (zstd), one after the other;
// zeros behind the last member of gzip are padding. Anything else behind the end is an error.
class Decompressor {
 public:
  virtual ~Decompressor() = default;

  // Takes all of the piece. Throws DamagedData, and what the sink throws.
  virtual void add(std::string_view piece, const ByteSink& sink) = 0;

  // Whether the file may end here.
  virtual bool is_complete() const = 0;
};

// compression: not kNone.
std::unique_ptr<Decompressor> make_decompressor(Compression compression);

// Writes a file again, compressed (level 6 of gzip, 3 of zstd: their own defaults). `to` appears when it is whole.
// compression: not kNone. Throws Error kIo.
void compress_file(const std::filesystem::path& from, const std::filesystem::path& to, Compression compression);

}  // namespace berth::data

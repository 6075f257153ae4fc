#include "core/data/compression.h"

#define ZLIB_CONST  // input may be const
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <fstream>
#include <new>
#include <vector>

#include "berth/error.h"
#include "core/platform/whole_file.h"

namespace berth::data {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
constexpr int kGzipFormat = 16 + MAX_WBITS;  // zlib's way to say: gzip's header and checksum, nothing else

constexpr auto kAfterTheEnd = "something else stands behind its end";

class GzipDecompressor final : public Decompressor {
 public:
  GzipDecompressor() : buffer_(kBufferBytes) {
    if (inflateInit2(&stream_, kGzipFormat) != Z_OK) throw std::bad_alloc();
  }
  ~GzipDecompressor() override { inflateEnd(&stream_); }
  GzipDecompressor(const GzipDecompressor&) = delete;
  GzipDecompressor& operator=(const GzipDecompressor&) = delete;

  void add(std::string_view piece, const ByteSink& sink) override {
    while (!piece.empty()) {
      if (is_complete_ && !begin_member(piece)) return;
      piece.remove_prefix(inflate_piece(piece, sink));
    }
  }

  bool is_complete() const override { return is_complete_; }

 private:
  // False where nothing but padding is left.
  bool begin_member(std::string_view& piece) {
    piece.remove_prefix(std::min(piece.find_first_not_of('\0'), piece.size()));
    if (piece.empty()) return false;
    if (piece.front() != '\x1f') throw DamagedData{kAfterTheEnd};
    inflateReset(&stream_);
    is_complete_ = false;
    return true;
  }

  // Bytes that were taken.
  std::size_t inflate_piece(std::string_view piece, const ByteSink& sink) {
    stream_.next_in = reinterpret_cast<const Bytef*>(piece.data());
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_MEM_ERROR) throw std::bad_alloc();
      if (result == Z_STREAM_END) is_complete_ = true;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        throw DamagedData{stream_.msg != nullptr ? stream_.msg : "it needs a dictionary"};
      }
      sink({buffer_.data(), buffer_.size() - stream_.avail_out});
    } while (!is_complete_ && (stream_.avail_in > 0 || stream_.avail_out == 0));
    return piece.size() - stream_.avail_in;
  }

  z_stream stream_{};
  std::vector<char> buffer_;
  bool is_complete_ = false;
};

class ZstdDecompressor final : public Decompressor {
 public:
  ZstdDecompressor() : context_(ZSTD_createDCtx()), buffer_(kBufferBytes) {
    if (!context_) throw std::bad_alloc();
    // Up to what `zstd --long=31` writes; the memory that it takes is the frame's own window.
    constexpr int kLargestWindowLog = 31;
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kLargestWindowLog);
  }

  void add(std::string_view piece, const ByteSink& sink) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    bool is_flushed = true;
    while (in.pos < in.size || !is_flushed) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      const std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(left) != 0U) throw DamagedData{is_complete_ ? kAfterTheEnd : ZSTD_getErrorName(left)};
      is_complete_ = left == 0;
      is_flushed = is_complete_ || out.pos < out.size;
      sink({buffer_.data(), out.pos});
    }
  }

  bool is_complete() const override { return is_complete_; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  std::unique_ptr<ZSTD_DCtx, Free> context_;
  std::vector<char> buffer_;
  bool is_complete_ = false;
};

// Gives the pieces of a file to `take`, the last one, which may be empty, with true.
void read_pieces(const std::filesystem::path& from, const std::function<void(std::string_view, bool)>& take) {
  std::ifstream in(from, std::ios::binary);
  std::vector<char> buffer(kBufferBytes);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    if (in.fail() && !in.eof()) break;
    take({buffer.data(), static_cast<std::size_t>(in.gcount())}, in.eof());
  }
  if (!in.eof()) throw Error(ErrorKind::kIo, {from.string()}, "can't be read");
}

void write_gzip(const std::filesystem::path& from, platform::WholeFile& to) {
  z_stream stream{};
  constexpr int kDefaultMemory = 8;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipFormat, kDefaultMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, deflateEnd);
  std::vector<char> buffer(kBufferBytes);
  read_pieces(from, [&](std::string_view piece, bool is_last) {
    stream.next_in = reinterpret_cast<const Bytef*>(piece.data());
    stream.avail_in = static_cast<uInt>(piece.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream.avail_out = static_cast<uInt>(buffer.size());
      deflate(&stream, is_last ? Z_FINISH : Z_NO_FLUSH);
      to.write(buffer.data(), buffer.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  });
}

void write_zstd(const std::filesystem::path& from, platform::WholeFile& to) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  if (!context) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  std::vector<char> buffer(kBufferBytes);
  read_pieces(from, [&](std::string_view piece, bool is_last) {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    for (bool is_done = false; !is_done;) {
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
      if (ZSTD_isError(left) != 0U) throw std::bad_alloc();  // nothing else can go wrong with these parameters
      to.write(buffer.data(), out.pos);
      is_done = is_last ? left == 0 : in.pos == in.size;
    }
  });
}

}  // namespace

std::string_view name_of(Compression compression) {
  static constexpr std::string_view kNames[] = {"none", "gzip", "zstd"};
  return kNames[static_cast<std::size_t>(compression)];
}

Compression compression_by_signature(std::string_view start) {
  if (start.starts_with("\x1f\x8b\x08")) return Compression::kGzip;
  if (start.starts_with("\x28\xb5\x2f\xfd")) return Compression::kZstd;
  // A frame to be skipped, by which pzstd begins.
  const bool is_skippable = start.size() >= kSignatureBytes &&
                            (static_cast<unsigned char>(start[0]) & 0xf0U) == 0x50U &&
                            start.substr(1, 3) == "\x2a\x4d\x18";
  return is_skippable ? Compression::kZstd : Compression::kNone;
}

Compression compression_by_name(const std::filesystem::path& file) {
  auto ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (ending == ".gz") return Compression::kGzip;
  return ending == ".zst" ? Compression::kZstd : Compression::kNone;
}

std::string name_without_compression(const std::filesystem::path& file) {
  return compression_by_name(file) == Compression::kNone ? file.filename().string() : file.stem().string();
}

std::unique_ptr<Decompressor> make_decompressor(Compression compression) {
  if (compression == Compression::kGzip) return std::make_unique<GzipDecompressor>();
  return std::make_unique<ZstdDecompressor>();
}

void compress_file(const std::filesystem::path& from, const std::filesystem::path& to, Compression compression) {
  platform::WholeFile file(to);
  if (compression == Compression::kGzip) {
    write_gzip(from, file);
  } else {
    write_zstd(from, file);
  }
  file.commit();
}

}  // namespace berth::data

#include "core/data/compression.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "berth/error.h"

namespace berth::data {
namespace {

namespace fs = std::filesystem;

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text.append(std::to_string(i)).append("\n");
  return text;
}

class CompressionTest : public testing::TestWithParam<Compression> {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  std::string compressed(const std::string& text) const {
    std::ofstream(folder_ / "plain", std::ios::binary) << text;
    compress_file(folder_ / "plain", folder_ / "packed", GetParam());
    std::stringstream bytes;
    bytes << std::ifstream(folder_ / "packed", std::ios::binary).rdbuf();
    return bytes.str();
  }

  struct Result {
    std::string text;
    bool is_complete;
  };

  // In pieces of this size.
  static Result decompressed(const std::string& bytes, std::size_t piece) {
    const auto decompressor = make_decompressor(GetParam());
    Result result{"", false};
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      decompressor->add(std::string_view(bytes).substr(i, piece), [&](std::string_view text) { result.text += text; });
    }
    result.is_complete = decompressor->is_complete();
    return result;
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) / ("compression-" + std::string(name_of(GetParam())) + std::to_string(getpid()));
};

TEST_P(CompressionTest, BytesComeBackWhateverThePieces) {
  for (const auto& text : {std::string(), std::string("a"), numbers(200000), std::string(3 << 20, 'x')}) {
    const auto bytes = compressed(text);
    EXPECT_EQ(compression_by_signature(bytes.substr(0, kSignatureBytes)), GetParam());
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{256} << 10}) {
      const auto result = decompressed(bytes, piece);
      EXPECT_TRUE(result.text == text) << text.size() << " in pieces of " << piece;
      EXPECT_TRUE(result.is_complete);
    }
  }
}

TEST_P(CompressionTest, OneMemberFollowsAnother) {
  const auto bytes = compressed("one\n") + compressed("") + compressed("two\n");
  for (const std::size_t piece : {std::size_t{1}, bytes.size()}) {
    const auto result = decompressed(bytes, piece);
    EXPECT_EQ(result.text, "one\ntwo\n");
    EXPECT_TRUE(result.is_complete);
  }
}

TEST_P(CompressionTest, WhateverIsCutOffIsNotComplete) {
  const auto one = compressed(numbers(50));
  const auto bytes = one + one;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    if (size != one.size()) {
      EXPECT_FALSE(decompressed(bytes.substr(0, size), 5).is_complete) << size;
    }
  }
  EXPECT_TRUE(decompressed(one, 5).is_complete);
}

TEST_P(CompressionTest, DamageIsSeen) {
  const auto bytes = compressed(numbers(20000));
  for (std::size_t at = 0; at < bytes.size(); at += 997) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    bool is_seen = false;
    try {
      const auto result = decompressed(damaged, 4096);
      // Gzip's header has bytes that say nothing of the data: time, system.
      is_seen = !result.is_complete || result.text == numbers(20000);
    } catch (const DamagedData& damage) {
      is_seen = !damage.reason.empty();
    }
    EXPECT_TRUE(is_seen) << at;
  }
}

TEST_P(CompressionTest, SomethingElseBehindTheEndIsDamage) {
  const auto bytes = compressed("one\n") + "and so on";
  for (const std::size_t piece : {std::size_t{1}, bytes.size()}) {
    try {
      decompressed(bytes, piece);
      ADD_FAILURE() << "taken in pieces of " << piece;
    } catch (const DamagedData& damage) {
      EXPECT_EQ(damage.reason, "something else stands behind its end");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CompressionTest, testing::Values(Compression::kGzip, Compression::kZstd),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

TEST(Compression, GzipMayBePaddedWithZeros) {
  const auto decompressor = make_decompressor(Compression::kGzip);
  const std::string_view empty("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0", 20);
  const auto ignore = [](std::string_view) {};
  decompressor->add(empty, ignore);
  decompressor->add(std::string(512, '\0'), ignore);
  EXPECT_TRUE(decompressor->is_complete());
  decompressor->add(empty, ignore);
  EXPECT_TRUE(decompressor->is_complete());
  EXPECT_THROW(decompressor->add("x", ignore), DamagedData);
}

// As `zstd --long=28` makes them of what it reads from a pipe, however short that is.
TEST(Compression, ZstdMayHaveALargeWindow) {
  const auto decompressor = make_decompressor(Compression::kZstd);
  // Magic number; neither size nor checksum; a window of 2^(10 + 18) bytes; one last block of 4 bytes, as they are.
  const std::string_view frame("\x28\xb5\x2f\xfd\0\x90\x21\0\0one\n", 13);
  std::string text;
  decompressor->add(frame, [&](std::string_view piece) { text += piece; });
  EXPECT_EQ(text, "one\n");
  EXPECT_TRUE(decompressor->is_complete());
}

TEST(Compression, IsKnownBySignatureAndByName) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(compression_by_signature("\x1f\x8b\x08\0"sv), Compression::kGzip);
  EXPECT_EQ(compression_by_signature("\x28\xb5\x2f\xfd"), Compression::kZstd);
  EXPECT_EQ(compression_by_signature("\x5a\x2a\x4d\x18"), Compression::kZstd);
  for (const auto text : {""sv, "a"sv, "\x1f\x8b"sv, "text"sv, "\x28\xb5\x2f"sv}) {
    EXPECT_EQ(compression_by_signature(text), Compression::kNone) << text;
  }
  EXPECT_EQ(compression_by_name("a/mails.csv.gz"), Compression::kGzip);
  EXPECT_EQ(compression_by_name("MAILS.CSV.GZ"), Compression::kGzip);
  EXPECT_EQ(compression_by_name("mails.zst"), Compression::kZstd);
  EXPECT_EQ(compression_by_name("mails.csv"), Compression::kNone);
  EXPECT_EQ(compression_by_name(".gz"), Compression::kNone);
  EXPECT_EQ(name_without_compression("a/mails.csv.gz"), "mails.csv");
  EXPECT_EQ(name_without_compression("a/mails.csv"), "mails.csv");
}

TEST(Compression, AFileThatIsNotThereIsNoOutput) {
  const auto to = fs::path(testing::TempDir()) / "none.gz";
  EXPECT_THROW(compress_file("/no/such/file", to, Compression::kGzip), Error);
  EXPECT_FALSE(fs::exists(to));
}

}  // namespace
}  // namespace berth::data

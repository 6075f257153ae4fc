#include "core/data/unpack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <string>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "berth/error.h"
#include "core/data/compression.h"

namespace berth::data {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string read(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class UnpackTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(temporary_);
    ::setenv("TMPDIR", temporary_.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("TMPDIR");
    fs::remove_all(folder_);
  }

  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  fs::path write_compressed(const std::string& name, const std::string& text, Compression compression) const {
    compress_file(write("plain", text), folder_ / name, compression);
    return folder_ / name;
  }

  // Its message; the folder for temporary files holds no file of it.
  std::string refusal(UnpackedFiles& files, const fs::path& file, ErrorKind kind) const {
    try {
      files.plain(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      for (const auto& entry : fs::recursive_directory_iterator(temporary_)) {
        EXPECT_TRUE(entry.is_directory() || entry.path().filename() == "lock") << entry.path();
      }
      return error.what();
    }
    ADD_FAILURE() << file << " was taken";
    return "";
  }

  bool is_clean() const { return fs::is_empty(temporary_); }

  const fs::path folder_ = fs::canonical(testing::TempDir()) / ("unpack-" + std::to_string(getpid()));
  const fs::path temporary_ = folder_ / "tmp";
};

TEST_F(UnpackTest, APlainFileIsItself) {
  UnpackedFiles files;
  for (const auto& file : {write("a.tsv", "text\n"), write("empty.tsv", ""), folder_ / "missing.gz", folder_}) {
    const auto plain = files.plain(file);
    EXPECT_EQ(plain.name, file.string());
    EXPECT_EQ(plain.path, file);
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(UnpackTest, ACompressedFileIsUnpackedOnceUnderItsInnerName) {
  {
    UnpackedFiles files;
    const auto gzip = write_compressed("a.csv.gz", "text,label\n", Compression::kGzip);
    const auto plain = files.plain(gzip);
    EXPECT_EQ(plain.name, gzip.string());
    EXPECT_EQ(plain.path.filename(), "a.csv");
    EXPECT_EQ(read(plain.path), "text,label\n");
    fs::remove(gzip);
    EXPECT_EQ(files.plain(gzip).path, plain.path);

    // By content, whatever the name says.
    const auto hidden = files.plain(write_compressed("b.csv", "b\n", Compression::kZstd));
    EXPECT_EQ(hidden.path.filename(), "b.csv");
    EXPECT_EQ(read(hidden.path), "b\n");
    EXPECT_EQ(read(files.plain(write_compressed("c.csv.gz", "c\n", Compression::kZstd)).path), "c\n");

    struct stat found {};
    ASSERT_EQ(::stat(plain.path.parent_path().parent_path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777U, 0700U);
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(UnpackTest, FilesOfOneNameInTwoFoldersStayApart) {
  UnpackedFiles files;
  fs::create_directory(folder_ / "other");
  const auto a = files.plain(write_compressed("a.tsv.gz", "one\n", Compression::kGzip));
  const auto b = files.plain(write_compressed("other/a.tsv.gz", "two\n", Compression::kGzip));
  EXPECT_EQ(read(a.path) + read(b.path), "one\ntwo\n");
}

TEST_F(UnpackTest, ABadFileIsNamedWithWhatIsWrong) {
  {
    UnpackedFiles files;
    const auto good = read(write_compressed("good.gz", std::string(100000, 'x') + "y", Compression::kGzip));
    const auto cut = write("cut.tsv.gz", good.substr(0, good.size() - 3));
    EXPECT_THAT(refusal(files, cut, ErrorKind::kContent),
                AllOf(StartsWith(cut.string() + ": "), HasSubstr("gzip data ends in the middle, after ")));
    auto bytes = good;
    bytes[bytes.size() - 6] ^= 0x55;
    EXPECT_THAT(refusal(files, write("bad.tsv.gz", bytes), ErrorKind::kContent), HasSubstr("(incorrect data check)"));
    EXPECT_THAT(refusal(files, write("empty.tsv.zst", ""), ErrorKind::kContent),
                HasSubstr("is empty; expected zstd data"));
    EXPECT_THAT(refusal(files, write("plain.tsv.gz", "text\tlabel\n"), ErrorKind::kContent),
                HasSubstr("is not gzip data, as its name says"));
  }
  EXPECT_TRUE(is_clean());
}

TEST_F(UnpackTest, TheDiskIsNotFilledUp) {
  UnpackedFiles files(std::numeric_limits<std::uintmax_t>::max() / 2);
  const auto file = write_compressed("a.tsv.zst", std::string(1000, 'x'), Compression::kZstd);
  EXPECT_THAT(refusal(files, file, ErrorKind::kIo),
              AllOf(StartsWith(file.string() + ": can't be unpacked into "), HasSubstr("set TMPDIR")));
}

TEST_F(UnpackTest, ANamedPipeIsReadOnce) {
  const auto pipe = folder_ / "rows.tsv";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "text\tlabel\n"; });
  UnpackedFiles files;
  const auto plain = files.plain(pipe);
  writer.join();
  EXPECT_EQ(plain.path.filename(), "rows.tsv");
  EXPECT_EQ(read(plain.path), "text\tlabel\n");
  EXPECT_EQ(files.plain(pipe).path, plain.path);
}

TEST_F(UnpackTest, WhatAKilledProcessLeftIsRemovedButNotWhatIsInUse) {
  const auto orphan = temporary_ / "berth-data-killed";
  fs::create_directories(orphan / "0");
  std::ofstream(orphan / "lock").flush();
  std::ofstream(orphan / "0/a.tsv") << "text\n";
  const auto strangers = temporary_ / "berth-data-no-lock";
  fs::create_directory(strangers);

  UnpackedFiles first;
  const auto used = first.plain(write_compressed("a.tsv.gz", "one\n", Compression::kGzip));
  EXPECT_FALSE(fs::exists(orphan));
  EXPECT_TRUE(fs::exists(strangers));
  UnpackedFiles second;
  second.plain(write_compressed("b.tsv.gz", "two\n", Compression::kGzip));
  EXPECT_EQ(read(used.path), "one\n");
}

TEST_F(UnpackTest, WithoutAFolderForTemporaryFilesOneIsToldWhatToDo) {
  ::setenv("TMPDIR", (folder_ / "missing").c_str(), 1);
  UnpackedFiles files;
  EXPECT_THAT(refusal(files, write_compressed("a.gz", "a", Compression::kGzip), ErrorKind::kIo),
              HasSubstr("set TMPDIR"));
}

TEST(DisplayName, IsThePathOrStandardInput) {
  EXPECT_EQ(display_name("-"), "standard input");
  EXPECT_EQ(display_name("/a/-"), "/a/-");
}

}  // namespace
}  // namespace berth::data

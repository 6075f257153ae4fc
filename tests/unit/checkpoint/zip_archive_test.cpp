#include "core/checkpoint/zip_archive.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fstream>

#include "berth/error.h"
#include "core/checkpoint/crc32.h"
#include "hand_made.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

using testing::bytes_of;
using ::testing::HasSubstr;
using testing::zip;

// By zlib.
TEST(Crc32, IsThatOfZip) {
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("a"), 0xE8B7BE43U);
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32("The quick brown fox jumps over the lazy dog"), 0x414FA339U);
  EXPECT_EQ(crc32(std::string(1000, '\0')), 0x060B1780U);
  EXPECT_EQ(crc32(std::string(1001, '\xff')), 0xD939639EU);
}

std::string error_of(const std::string& bytes) {
  try {
    const ZipArchive archive(bytes, "file.bin");
    for (const auto& [name, entry] : archive.entries()) archive.read(name);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kContent);
    EXPECT_THAT(error.what(), HasSubstr("file.bin: "));
    return error.what();
  }
  return "no error";
}

TEST(ZipArchive, ReadsStoredEntries) {
  const std::string bytes = zip({{"a/x", "some bytes"}, {"a/empty", ""}, {"\xc3\xa9..b", "others"}});
  const ZipArchive archive(bytes, "file.bin");
  EXPECT_EQ(archive.entries().size(), 3U);
  EXPECT_EQ(archive.read("a/x"), "some bytes");
  EXPECT_EQ(archive.read("a/empty"), "");
  EXPECT_EQ(archive.read("\xc3\xa9..b"), "others");
  EXPECT_EQ(archive.find("x"), nullptr);
  EXPECT_THROW(archive.read("x"), Error);
  EXPECT_EQ(bytes.substr(archive.find("a/x")->begin, archive.find("a/x")->size), "some bytes");
  EXPECT_EQ(error_of(zip({})), "no error");
}

TEST(ZipArchive, RefusesWhatItDoesNotRead) {
  EXPECT_THAT(error_of(zip({{"a", "x", 0x801}})), HasSubstr("is encrypted"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 8}})), HasSubstr("is compressed (method 8)"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x2800}})), HasSubstr("flags 0x2800"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 0, 77}})), HasSubstr("CRC-32"));
  for (const std::string& name : {std::string(), std::string("/a"), std::string("../a"), std::string("a/../b"),
                                  std::string("a/.."), std::string(".."), std::string("a\\b"), std::string("a\0b", 3),
                                  std::string("a\nb"), std::string("\xff"), std::string("a\xc2\x9b")}) {
    EXPECT_THAT(error_of(zip({{name, "x"}})), HasSubstr("not a plain relative path")) << name;
  }
}

TEST(ZipArchive, RefusesOverlapsAndDuplicates) {
  EXPECT_THAT(error_of(zip({{"a", "x"}, {"a", "y"}})), HasSubstr("\"a\" of the zip archive stands there twice"));
  EXPECT_THAT(error_of(zip({{"a", "x"}, {"a", "x", 0x800, 0, 0, -1, 0}})), HasSubstr("twice"));
  // An entry that lies within another.
  const std::string inner = zip({{"b", "y"}}).substr(0, 32);
  const std::string hidden = zip({{"a", inner}, {"b", "y", 0x800, 0, 0, -1, 31}});
  EXPECT_THAT(error_of(hidden), HasSubstr("\"b\" of the zip archive overlaps \"a\""));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 0, 0, 33}, {"b", "y"}})), HasSubstr("overlaps"));
}

TEST(ZipArchive, RefusesWhatIsCutOrContradictsItself) {
  EXPECT_THAT(error_of(""), HasSubstr("doesn't end with its directory"));
  EXPECT_THAT(error_of(zip({{"a", "x"}}) + "x"), HasSubstr("does something follow it?"));
  EXPECT_THAT(error_of("x" + zip({{"a", "x"}})), HasSubstr("contradicts itself"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 0, 0, 1000}})), HasSubstr("don't lie within the file"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 0, 0, -1, 7}})), HasSubstr("no header at byte 7"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 0, 0, -1, 0xFFFFFFFE}})), HasSubstr("no header at byte"));
  EXPECT_THAT(error_of(zip({{"a", "x", 0x800, 0, 0, -1, 0xFFFFFFFF}})), HasSubstr("lacks the zip64 field"));
  const auto bend = [](std::size_t from_end, char value) {
    std::string bytes = zip({{"a", "x"}});
    bytes[bytes.size() - from_end] = value;
    return error_of(bytes);
  };
  EXPECT_THAT(bend(18, 1), HasSubstr("several disks"));
  EXPECT_THAT(bend(16, 1), HasSubstr("several disks"));
  EXPECT_THAT(bend(14, 2), HasSubstr("contradicts itself"));
  EXPECT_THAT(bend(10, 1), HasSubstr("contradicts itself"));
  EXPECT_THAT(bend(6, 1), HasSubstr("contradicts itself"));
  EXPECT_THAT(bend(2, 1), HasSubstr("contradicts itself"));
  std::string fewer = zip({{"a", "x"}, {"b", "y"}});
  fewer[fewer.size() - 14] = fewer[fewer.size() - 12] = 1;
  EXPECT_THAT(error_of(fewer), HasSubstr("belong to no entry"));
  fewer[fewer.size() - 14] = fewer[fewer.size() - 12] = 3;
  EXPECT_THAT(error_of(fewer), HasSubstr("header 2"));
}

TEST(ZipArchive, AStoredEntryWithTwoSizesIsNotCalledCompressed) {
  std::string bytes = zip({{"a", "x"}});
  bytes[bytes.size() - 22 - 47 + 20] = 5;  // the stored size in the directory
  EXPECT_THAT(error_of(bytes), HasSubstr("\"a\" of the zip archive is stored as it is, but in 5 bytes where it says it "
                                         "has 1: its sizes contradict each other"));
}

TEST(ZipArchive, WhatIsMissingIsNamedWithoutWhatATerminalObeys) {
  const std::string bytes = zip({{"a", "x"}});
  const ZipArchive archive(bytes, "file.bin");
  try {
    archive.read("data/\x1b[2J\xff");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("\"data/?[2J\xef\xbf\xbd\" of the zip archive is missing"));
  }
}

TEST(ZipArchive, RefusesMoreEntriesThanAStateDictHas) {
  std::string bytes = zip({{"a", "x"}});
  const std::string end = bytes.substr(bytes.size() - 22);
  const std::uint64_t directory_size = 47;
  const std::uint64_t record = bytes.size() - 22;
  const std::uint64_t many = 100'001;
  bytes = bytes.substr(0, record) + "PK\6\6" + bytes_of<std::uint64_t>(44) + std::string(12, '\0') + bytes_of(many) +
          bytes_of(many) + bytes_of(directory_size) + bytes_of(record - directory_size) + "PK\6\7" +
          bytes_of<std::uint32_t>(0) + bytes_of(record) + bytes_of<std::uint32_t>(1) + end;
  EXPECT_THAT(error_of(bytes), HasSubstr("contradicts"));  // the old end still says 1
  for (const std::size_t from_end : {14, 13, 12, 11}) bytes[bytes.size() - from_end] = '\xff';
  EXPECT_THAT(error_of(bytes), HasSubstr("100001 entries, at most 100000"));
}

// A file over 4 GB, most of it a hole that takes no room on the disk: only zip64 can say where its last entry is.
TEST(ZipArchive, ReadsZip64) {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "large.bin";
  constexpr std::uint64_t kHole = 5'000'000'000;
  const std::string start = zip({{"m/data.pkl", "some bytes"}});
  const std::string first = start.substr(0, start.size() - 22 - 46 - 10);
  const std::string first_header = start.substr(first.size(), 46 + 10);
  const std::string floats = bytes_of(1.5F) + bytes_of(2.5F);
  const auto header = [](const std::string& name, std::uint32_t crc, std::uint32_t size) {
    return bytes_of<std::uint16_t>(0x800) + std::string(6, '\0') + bytes_of(crc) + bytes_of(size) + bytes_of(size) +
           bytes_of(static_cast<std::uint16_t>(name.size()));
  };
  const auto local = [&](const std::string& name, std::uint32_t crc, std::uint32_t size) {
    return "PK\3\4" + std::string(2, '\0') + header(name, crc, size) + std::string(2, '\0') + name;
  };
  const auto wide = [](const std::vector<std::uint64_t>& values) {
    std::string field = bytes_of<std::uint16_t>(1) + bytes_of(static_cast<std::uint16_t>(8 * values.size()));
    for (const std::uint64_t number : values) field += bytes_of(number);
    return field;
  };
  const auto central = [&](const std::string& name, std::uint32_t crc, std::uint32_t size, std::uint32_t begin,
                           const std::string& extra) {
    return "PK\1\2" + std::string(4, '\0') + header(name, crc, size) +
           bytes_of(static_cast<std::uint16_t>(extra.size())) + std::string(10, '\0') + bytes_of(begin) + name + extra;
  };
  constexpr std::uint32_t kIn64 = 0xFFFFFFFF;
  const std::string hole = local("m/data/0", 0, kIn64);
  const std::uint64_t hole_at = first.size();
  const std::uint64_t last_at = hole_at + hole.size() + kHole;
  const std::string last = local("m/data/1", crc32(floats), 8) + floats;
  const std::uint64_t directory_at = last_at + last.size();
  const std::string directory =
      first_header + central("m/data/0", 0, kIn64, static_cast<std::uint32_t>(hole_at), wide({kHole, kHole})) +
      central("m/data/1", crc32(floats), 8, kIn64, bytes_of<std::uint32_t>(0xABCD) + wide({last_at}));
  const std::uint64_t record = directory_at + directory.size();
  const std::uint64_t count = 3;
  // The last line's ones are counts and places that the zip64 record replaces.
  const std::string end = "PK\6\6" + bytes_of<std::uint64_t>(44) + std::string(12, '\0') + bytes_of(count) +
                          bytes_of(count) + bytes_of<std::uint64_t>(directory.size()) + bytes_of(directory_at) +
                          "PK\6\7" + bytes_of<std::uint32_t>(0) + bytes_of(record) + bytes_of<std::uint32_t>(1) +
                          "PK\5\6" + std::string(4, '\0') + std::string(12, '\xff') + std::string(2, '\0');
  {
    std::ofstream out(path, std::ios::binary);
    out << first << hole;
    out.seekp(static_cast<std::streamoff>(last_at));
    out << last << directory << end;
    ASSERT_TRUE(out.good());
  }
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto size = std::filesystem::file_size(path);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, handle, 0);
  ::close(handle);
  ASSERT_NE(memory, MAP_FAILED);
  const ZipArchive archive({static_cast<const char*>(memory), size}, path.string());
  EXPECT_EQ(archive.find("m/data/0")->size, kHole);
  EXPECT_EQ(archive.find("m/data/1")->begin, last_at + 38);
  EXPECT_EQ(archive.read("m/data/1"), floats);
  ::munmap(memory, size);
}

}  // namespace
}  // namespace berth::checkpoint

#include "core/plugin/manifest_reader.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "plugin_files.h"

namespace berth::plugin {
namespace {

// The reason of a refusal; "" for a manifest that was read.
std::string refusal(const std::variant<Manifest, Refusal>& read) {
  const auto* refused = std::get_if<Refusal>(&read);
  return refused != nullptr ? refused->reason : "";
}

std::vector<std::byte> good() { return read_bytes(loadable_folder() / "good.so"); }

// Overwrites part of the bytes.
template <typename T>
std::vector<std::byte> with(std::vector<std::byte> bytes, std::size_t offset, const T& value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
  return bytes;
}

std::vector<std::byte> bytes_of(const Manifest& manifest) {
  std::vector<std::byte> bytes(sizeof(manifest));
  std::memcpy(bytes.data(), &manifest, sizeof(manifest));
  return bytes;
}

TEST(ManifestReaderTest, ReadsAGoodOne) {
  const auto read = read_manifest(loadable_folder() / "good.so");
  ASSERT_EQ(refusal(read), "");
  const auto& manifest = std::get<Manifest>(read);
  EXPECT_STREQ(manifest.id, "good");
  EXPECT_STREQ(manifest.version, "1.2.3");
  EXPECT_STREQ(manifest.summary, "a plugin of berth's tests");
  EXPECT_EQ(judge_manifest(manifest, host_manifest()), "");
}

TEST(ManifestReaderTest, ReadsALongerOneAsFarAsItIsKnown) {
  const auto read = read_manifest(loadable_folder() / "newer_manifest.so");
  ASSERT_EQ(refusal(read), "");
  EXPECT_STREQ(std::get<Manifest>(read).id, "newer_manifest");
  EXPECT_EQ(std::get<Manifest>(read).size, sizeof(Manifest) + 16);
}

TEST(ManifestReaderTest, ItsChecksumIsTheMacros) {
  auto manifest = make_manifest("a", "1", "s");
  EXPECT_EQ(refusal(parse_manifest(bytes_of(manifest))), "");
  const auto bytes = bytes_of(manifest);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_NE(refusal(parse_manifest(with(bytes, i, bytes[i] ^ std::byte{1}))), "") << "byte " << i;
  }
}

TEST(ManifestReaderTest, SizesThatCanNotBe) {
  const auto damaged = "has a damaged manifest (its checksum is wrong); copy or build it again";
  const auto with_size = [](std::uint32_t size) {
    auto manifest = make_manifest("a", "1", "s");
    manifest.size = size;
    manifest.checksum = manifest_checksum(manifest);
    return bytes_of(manifest);
  };
  for (const std::uint32_t size : {0U, 1U, 303U, 305U, 65536U, 0xffffffffU}) {
    EXPECT_EQ(refusal(parse_manifest(with_size(size))), damaged) << size;
  }
  auto bytes = with_size(304);
  EXPECT_EQ(refusal(parse_manifest(Bytes(bytes).first(303))), damaged);
  EXPECT_EQ(refusal(parse_manifest({})), damaged);
  bytes.resize(400);
  EXPECT_EQ(refusal(parse_manifest(bytes)), "") << "what follows the manifest in its section is nothing";
}

TEST(ManifestReaderTest, Texts) {
  const auto changed = [](auto change) {
    auto manifest = make_manifest("a", "1", "s");
    change(manifest);
    manifest.checksum = manifest_checksum(manifest);
    return refusal(parse_manifest(bytes_of(manifest)));
  };
  const std::string text =
      "has a manifest with text that can't be shown; its author must correct the line BERTH_PLUGIN";
  EXPECT_EQ(changed([](Manifest& m) { std::memset(m.id, 'a', sizeof(m.id)); }), text);
  EXPECT_EQ(changed([](Manifest& m) { std::memset(m.summary, 'a', sizeof(m.summary)); }), text);
  EXPECT_EQ(changed([](Manifest& m) { m.version[0] = '\x1b'; }), text);
  EXPECT_EQ(changed([](Manifest& m) { m.summary[0] = '\xff'; }), text);
  EXPECT_EQ(changed([](Manifest& m) { m.id[0] = 'A'; }),
            "has the id 'A'; its author must choose one of a-z, 0-9, '_' and '-', a letter first");
  for (const char* id : {"", "1a", "-a", "a b", "a/b"}) {
    EXPECT_NE(changed([id](Manifest& m) { std::strcpy(m.id, id); }), "") << id;
  }
  EXPECT_EQ(changed([](Manifest& m) { std::strcpy(m.id, "a-1_b"); }), "");
}

TEST(ManifestReaderTest, FilesThatAreNoPlugins) {
  const TemporaryFolder folder;
  const auto refused = [&folder](const std::string& text) {
    const auto file = folder.path() / "x.so";
    write_bytes(file, std::as_bytes(std::span(text)));
    return refusal(read_manifest(file));
  };
  EXPECT_EQ(refused(""), "is empty; copy or build it again");
  EXPECT_EQ(refused("#!/bin/sh\n"), "is not an ELF file; a plugin is a shared library, built with berth_add_plugin()");
  EXPECT_EQ(refused("\x7f"
                    "ELF"),
            "ends within its ELF header; copy or build it again");
  EXPECT_EQ(refusal(read_manifest(folder.path())), "is not a file");
  EXPECT_EQ(refusal(read_manifest(folder.path() / "none.so")), "can't be opened (No such file or directory)");
  EXPECT_EQ(refusal(read_manifest(std::filesystem::path("/dev/zero"))), "is not a file");
  EXPECT_EQ(refusal(read_manifest(std::filesystem::path("/proc/self/exe"))),
            "has no section .berth_manifest, so it is no berth plugin; the macro BERTH_PLUGIN lays one down");
  EXPECT_EQ(refusal(read_manifest(refused_folder() / "no_manifest.so")),
            "has no section .berth_manifest, so it is no berth plugin; the macro BERTH_PLUGIN lays one down");
}

TEST(ManifestReaderTest, AFileLargerThanTwoGigabytesIsNotMapped) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "large.so";
  write_bytes(file, good());
  std::filesystem::resize_file(file, std::uintmax_t{3} << 30);  // sparse
  EXPECT_EQ(refusal(read_manifest(file)), "is larger than 2 GB, which no plugin is");
}

TEST(ManifestReaderTest, OtherMachines) {
  EXPECT_EQ(refusal(read_manifest(Bytes(with(good(), EI_CLASS, std::uint8_t{ELFCLASS32})))),
            "is not a 64-bit library; rebuild it for this machine");
  EXPECT_EQ(refusal(read_manifest(Bytes(with(good(), EI_DATA, std::uint8_t{ELFDATA2MSB})))),
            "is not little-endian; rebuild it for this machine");
  EXPECT_NE(refusal(read_manifest(Bytes(with(good(), offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_RISCV})))), "");
  EXPECT_EQ(refusal(read_manifest(Bytes(with(good(), offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_EXEC})))),
            "is not a shared library; build it with berth_add_plugin()");
}

// Offsets and counts chosen to overflow; what is read is never outside of the bytes (AddressSanitizer watches).
TEST(ManifestReaderTest, NumbersThatOverflow) {
  const auto bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::uint64_t kEvil[] = {0,
                                 1,
                                 bytes.size() - 1,
                                 bytes.size(),
                                 bytes.size() + 1,
                                 std::uint64_t{1} << 32,
                                 (std::uint64_t{1} << 58) + 1,
                                 std::uint64_t{1} << 63,
                                 ~std::uint64_t{0} - 63,
                                 ~std::uint64_t{0} - 7,
                                 ~std::uint64_t{0}};
  for (const auto evil : kEvil) {
    EXPECT_NE(refusal(read_manifest(Bytes(with(bytes, offsetof(Elf64_Ehdr, e_shoff), evil)))), "") << evil;
    const auto many = with(bytes, offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0});
    refusal(read_manifest(Bytes(with(many, header.e_shoff + offsetof(Elf64_Shdr, sh_size), evil))));
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
      const auto section = header.e_shoff + i * sizeof(Elf64_Shdr);
      refusal(read_manifest(Bytes(with(bytes, section + offsetof(Elf64_Shdr, sh_offset), evil))));
      refusal(read_manifest(Bytes(with(bytes, section + offsetof(Elf64_Shdr, sh_size), evil))));
      refusal(
          read_manifest(Bytes(with(bytes, section + offsetof(Elf64_Shdr, sh_name), static_cast<std::uint32_t>(evil)))));
    }
  }
  EXPECT_NE(refusal(read_manifest(Bytes(with(bytes, offsetof(Elf64_Ehdr, e_shstrndx), header.e_shnum)))), "");
  EXPECT_NE(refusal(read_manifest(Bytes(with(bytes, offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0xffff})))), "");
  EXPECT_NE(refusal(read_manifest(Bytes(with(bytes, offsetof(Elf64_Ehdr, e_shentsize), std::uint16_t{63})))), "");
}

TEST(ManifestReaderTest, CountsThatDoNotFitTheHeaderAreFound) {
  auto bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::uint64_t count = header.e_shnum;
  const std::uint32_t names = header.e_shstrndx;
  bytes = with(bytes, offsetof(Elf64_Ehdr, e_shnum), std::uint16_t{0});
  bytes = with(bytes, offsetof(Elf64_Ehdr, e_shstrndx), std::uint16_t{SHN_XINDEX});
  bytes = with(bytes, header.e_shoff + offsetof(Elf64_Shdr, sh_size), count);
  bytes = with(bytes, header.e_shoff + offsetof(Elf64_Shdr, sh_link), names);
  EXPECT_EQ(refusal(read_manifest(Bytes(bytes))), "");
}

TEST(ManifestReaderTest, TruncatedFilesAreRefused) {
  const auto bytes = good();
  for (std::size_t size = 0; size < bytes.size(); size += 64) {
    const std::vector<std::byte> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(refusal(read_manifest(Bytes(exact))), "") << size << " bytes";
  }
}

TEST(ExportedSymbolsTest, AreThoseOfTheDynamicTable) {
  const auto read = exported_symbols(Bytes(good()));
  EXPECT_EQ(std::get<std::vector<std::string>>(read), std::vector<std::string>{"berth_create_task"});
}

// What is damaged is refused or read otherwise; nothing outside of the bytes is looked at.
TEST(ExportedSymbolsTest, DamagedFilesAreReadOrRefused) {
  const auto bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::mt19937_64 random(7);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    auto changed = bytes;
    const std::size_t begin = round % 2 == 0 ? header.e_shoff : 0;
    const std::size_t size = round % 2 == 0 ? header.e_shnum * sizeof(Elf64_Shdr) : bytes.size();
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      changed[begin + random() % size] ^= static_cast<std::byte>(1 + random() % 255);
    }
    refused += std::holds_alternative<Refusal>(exported_symbols(Bytes(changed))) ? 1 : 0;
  }
  EXPECT_GT(refused, 50);
  for (std::size_t size = 0; size < bytes.size(); size += 512) {
    const std::vector<std::byte> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(std::holds_alternative<Refusal>(exported_symbols(Bytes(exact)))) << size << " bytes";
  }
}

// Bytes changed anywhere, and densely where the reader looks: judged or refused, nothing else. A manifest that is still
// read is the good one, since its checksum holds.
TEST(ManifestReaderTest, ChangedBytesAreJudgedOrRefused) {
  const auto bytes = good();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::uint64_t magic = BERTH_MANIFEST_MAGIC;
  const auto magic_bytes = std::as_bytes(std::span(&magic, 1));
  const auto manifest = std::search(bytes.begin(), bytes.end(), magic_bytes.begin(), magic_bytes.end());
  ASSERT_NE(manifest, bytes.end());

  struct Region {
    std::size_t begin, size;
  };
  const Region regions[] = {{0, bytes.size()},
                            {0, sizeof(Elf64_Ehdr)},
                            {header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr)},
                            {static_cast<std::size_t>(manifest - bytes.begin()), sizeof(Manifest)}};
  std::mt19937_64 random(2024);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    auto changed = bytes;
    const auto& region = regions[round % 4];
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      changed[region.begin + random() % region.size] ^= static_cast<std::byte>(1 + random() % 255);
    }
    const auto read = read_manifest(Bytes(changed));
    if (!refusal(read).empty()) {
      ++refused;
    } else {
      EXPECT_NE(&region, &regions[3]) << "the checksum missed a change";
      EXPECT_STREQ(std::get<Manifest>(read).id, "good");
      EXPECT_EQ(judge_manifest(std::get<Manifest>(read), host_manifest()), "");
    }
  }
  EXPECT_GT(refused, 5000);
  EXPECT_LT(refused, 20000);
}

}  // namespace
}  // namespace berth::plugin

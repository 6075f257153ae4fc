#include "core/plugin/elf_section.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

namespace berth::plugin {
namespace {

#if defined(__x86_64__)
constexpr unsigned kMachine = EM_X86_64;
constexpr std::string_view kMachineName = "x86-64";
#elif defined(__aarch64__)
constexpr unsigned kMachine = EM_AARCH64;
constexpr std::string_view kMachineName = "AArch64";
#else
#error "Say which ELF machine this is"
#endif

// `size` bytes from `offset`, or nothing where the file is too short.
std::optional<Bytes> slice(Bytes file, std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) return std::nullopt;
  return file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

// A struct at `offset`, copied out because nothing need be aligned.
template <typename T>
std::optional<T> read_struct(Bytes file, std::uint64_t offset) {
  const auto bytes = slice(file, offset, sizeof(T));
  if (!bytes) return std::nullopt;
  T value;
  std::memcpy(&value, bytes->data(), sizeof(T));
  return value;
}

// "" for a header that we go on with.
std::string judge_header(const Elf64_Ehdr& header) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64) return "is not a 64-bit library; rebuild it for this machine";
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) return "is not little-endian; rebuild it for this machine";
  if (header.e_machine != kMachine) {
    return fmt::format("was built for another processor (ELF machine {}), and this is {}; rebuild it here",
                       header.e_machine, kMachineName);
  }
  if (header.e_type != ET_DYN) return "is not a shared library; build it with berth_add_plugin()";
  if (header.e_shoff == 0) return "has no section table, and its manifest is found through that; do not strip it away";
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return "has a damaged section table; copy or build it again";
  return "";
}

class SectionTable {
 public:
  // Nothing where the tables don't fit into the file.
  static std::optional<SectionTable> open(Bytes file, const Elf64_Ehdr& header) {
    SectionTable table(file, header.e_shoff);
    const auto first = read_struct<Elf64_Shdr>(file, header.e_shoff);
    if (!first) return std::nullopt;
    // Counts that don't fit into the header's 16 bits stand in the first section.
    table.count_ = header.e_shnum != 0 ? header.e_shnum : first->sh_size;
    if (table.count_ > file.size() / sizeof(Elf64_Shdr)) return std::nullopt;
    if (!slice(file, header.e_shoff, table.count_ * sizeof(Elf64_Shdr))) return std::nullopt;
    const std::uint64_t names_index = header.e_shstrndx == SHN_XINDEX ? first->sh_link : header.e_shstrndx;
    if (names_index >= table.count_) return std::nullopt;
    const auto names = table.at(names_index);
    const auto bytes = slice(file, names.sh_offset, names.sh_size);
    if (names.sh_type != SHT_STRTAB || !bytes) return std::nullopt;
    table.names_ = *bytes;
    return table;
  }

  std::uint64_t size() const { return count_; }

  // index < size()
  Elf64_Shdr at(std::uint64_t index) const {
    return *read_struct<Elf64_Shdr>(file_, offset_ + index * sizeof(Elf64_Shdr));
  }

  bool is_named(const Elf64_Shdr& section, std::string_view name) const {
    const auto bytes = slice(names_, section.sh_name, name.size() + 1);
    return bytes && std::memcmp(bytes->data(), name.data(), name.size()) == 0 && bytes->back() == std::byte{0};
  }

 private:
  SectionTable(Bytes file, std::uint64_t offset) : file_(file), offset_(offset) {}

  Bytes file_;
  Bytes names_;
  std::uint64_t offset_;
  std::uint64_t count_ = 0;
};

std::variant<SectionTable, Refusal> open_sections(Bytes file) {
  if (file.size() < SELFMAG || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) {
    return Refusal{"is not an ELF file; a plugin is a shared library, built with berth_add_plugin()"};
  }
  const auto header = read_struct<Elf64_Ehdr>(file, 0);
  if (!header) return Refusal{"ends within its ELF header; copy or build it again"};
  if (auto reason = judge_header(*header); !reason.empty()) return Refusal{std::move(reason)};
  const auto table = SectionTable::open(file, *header);
  if (table) return *table;
  return Refusal{"has a section table that reaches past its end, so it is cut off or damaged; copy or build it again"};
}

// A NUL-terminated text among others.
std::optional<std::string> text_at(Bytes texts, std::uint64_t offset) {
  if (offset >= texts.size()) return std::nullopt;
  const auto rest = texts.subspan(static_cast<std::size_t>(offset));
  const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
  if (end == rest.end()) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin()));
}

bool is_exported(const Elf64_Sym& symbol) {
  const auto binding = ELF64_ST_BIND(symbol.st_info);
  return symbol.st_shndx != SHN_UNDEF && binding != STB_LOCAL;
}

}  // namespace

std::variant<Bytes, Refusal> find_elf_section(Bytes file, std::string_view name) {
  const auto opened = open_sections(file);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) return *refusal;
  const auto& table = std::get<SectionTable>(opened);
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    const auto section = table.at(i);
    if (!table.is_named(section, name)) continue;
    const auto bytes = slice(file, section.sh_offset, section.sh_size);
    if (section.sh_type != SHT_PROGBITS || (section.sh_flags & SHF_COMPRESSED) != 0 || !bytes) {
      return Refusal{fmt::format("has a damaged section {}; copy or build it again", name)};
    }
    return *bytes;
  }
  return Refusal{
      fmt::format("has no section {}, so it is no berth plugin; the macro BERTH_PLUGIN lays one down", name)};
}

std::variant<std::vector<std::string>, Refusal> exported_symbols(Bytes file) {
  const Refusal damaged{"has a damaged table of symbols; copy or build it again"};
  const auto opened = open_sections(file);
  if (const auto* refusal = std::get_if<Refusal>(&opened)) return *refusal;
  const auto& table = std::get<SectionTable>(opened);
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < table.size(); ++i) {
    const auto section = table.at(i);
    if (section.sh_type != SHT_DYNSYM) continue;
    if (section.sh_link >= table.size()) return damaged;
    const auto symbols = slice(file, section.sh_offset, section.sh_size);
    const auto strings = table.at(section.sh_link);
    const auto texts = slice(file, strings.sh_offset, strings.sh_size);
    if (!symbols || !texts) return damaged;
    for (std::uint64_t at = 0; at + sizeof(Elf64_Sym) <= symbols->size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = *read_struct<Elf64_Sym>(*symbols, at);
      if (!is_exported(symbol)) continue;
      auto name = text_at(*texts, symbol.st_name);
      if (!name) return damaged;
      names.push_back(std::move(*name));
    }
  }
  return names;
}

}  // namespace berth::plugin

// Finds a section, and the exported symbols, in the bytes of an ELF file that may be damaged or hostile. Reads nothing
// outside of the bytes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth::plugin {

using Bytes = std::span<const std::byte>;

// Why a file was turned down: one sentence without its first words, "is not an ELF file; ...".
struct Refusal {
  std::string reason;
};

// The bytes of the first section of that name, a part of `file`. Takes 64-bit little-endian shared libraries of this
// machine's kind.
std::variant<Bytes, Refusal> find_elf_section(Bytes file, std::string_view name);

// Names that the library gives to others: defined, and global, weak or unique.
std::variant<std::vector<std::string>, Refusal> exported_symbols(Bytes file);

}  // namespace berth::plugin

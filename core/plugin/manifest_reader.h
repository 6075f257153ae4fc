// Reads what a plugin says of itself from its file, and judges whether this host can load it. Runs none of its code.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "berth/manifest.h"
#include "core/plugin/elf_section.h"

namespace berth::plugin {

// What this host is, to judge plugins against.
const Manifest& host_manifest();

// Checks magic, size, checksum and the texts (NUL-terminated, printable, a good id). A longer manifest, of a newer SDK,
// is read as far as it is known; fields that an older one lacks are zero.
std::variant<Manifest, Refusal> parse_manifest(Bytes section);

// The same from a whole file's bytes, and from a file, which is mapped. Files over 2 GB are turned down.
std::variant<Manifest, Refusal> read_manifest(Bytes file);
std::variant<Manifest, Refusal> read_manifest(const std::filesystem::path& file);

// "" where the host can load the plugin, else one sentence without its first words: what it was built for, what this
// host is, what to do.
std::string judge_manifest(const Manifest& plugin, const Manifest& host);

// "SDK 0.1.0, LibTorch 2.13.0, GCC 12".
std::string built_for(const Manifest& manifest);

}  // namespace berth::plugin

#include "core/plugin/manifest_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/plugin/mapped_file.h"
#include "core/suite/toml_writer.h"

namespace berth::plugin {
namespace {

constexpr std::size_t kFirstManifestSize = 304;  // of SDK 0.1, the oldest there is
constexpr std::size_t kLargestManifest = 64 << 10;
constexpr std::size_t kChecksumOffset = offsetof(Manifest, checksum);
static_assert(sizeof(Manifest) >= kFirstManifestSize, "a manifest is only ever extended");

// Over the bytes as they are, since a newer manifest has fields that manifest_checksum() doesn't know.
std::uint32_t checksum_of(Bytes manifest) {
  std::uint32_t hash = 2166136261U;
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    const bool is_checksum = i >= kChecksumOffset && i < kChecksumOffset + sizeof(std::uint32_t);
    hash = berth::detail::fnv1a(hash, is_checksum ? 0 : std::to_integer<std::uint8_t>(manifest[i]), 1);
  }
  return hash;
}

template <std::size_t N>
bool is_printable(const char (&text)[N]) {
  const auto* end = std::find(text, text + N, '\0');
  if (end == text + N) return false;
  const std::string_view shown(text, static_cast<std::size_t>(end - text));
  return suite::is_utf8(shown) &&
         std::none_of(shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_id(std::string_view id) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !id.empty() && is_lower(id[0]) && std::all_of(id.begin(), id.end(), [&](char c) {
    return is_lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

const Manifest& host_manifest() {
  static constexpr auto kManifest = make_manifest("berth", "host", "");
  return kManifest;
}

std::variant<Manifest, Refusal> parse_manifest(Bytes section) {
  const Refusal damaged{"has a damaged manifest (its checksum is wrong); copy or build it again"};
  std::uint64_t magic = 0;
  std::uint32_t size = 0;
  if (section.size() < kFirstManifestSize) return damaged;
  std::memcpy(&magic, section.data() + offsetof(Manifest, magic), sizeof(magic));
  std::memcpy(&size, section.data() + offsetof(Manifest, size), sizeof(size));
  if (magic != BERTH_MANIFEST_MAGIC) return Refusal{"has a manifest that is not berth's (its first bytes are others)"};
  if (size < kFirstManifestSize || size > kLargestManifest || size > section.size()) return damaged;
  Manifest manifest{};
  std::memcpy(&manifest, section.data(), std::min<std::size_t>(size, sizeof(manifest)));
  if (manifest.checksum != checksum_of(section.first(size))) return damaged;
  if (!is_printable(manifest.id) || !is_printable(manifest.version) || !is_printable(manifest.summary)) {
    return Refusal{"has a manifest with text that can't be shown; its author must correct the line BERTH_PLUGIN"};
  }
  if (!is_id(manifest.id)) {
    return Refusal{fmt::format("has the id '{}'; its author must choose one of a-z, 0-9, '_' and '-', a letter first",
                               manifest.id)};
  }
  return manifest;
}

std::variant<Manifest, Refusal> read_manifest(Bytes file) {
  const auto section = find_elf_section(file, BERTH_MANIFEST_SECTION);
  if (const auto* refusal = std::get_if<Refusal>(&section)) return *refusal;
  return parse_manifest(std::get<Bytes>(section));
}

std::variant<Manifest, Refusal> read_manifest(const std::filesystem::path& file) {
  const MappedFile mapped(file);
  if (!mapped.reason().empty()) return Refusal{mapped.reason()};
  return read_manifest(mapped.bytes());
}

}  // namespace berth::plugin

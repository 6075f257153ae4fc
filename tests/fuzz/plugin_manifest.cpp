// A plugin's file, before any of its code runs: its manifest, what this host says to it, and the symbols it exports.

#include <cstring>
#include <string>
#include <vector>

#include "core/plugin/elf_section.h"
#include "core/plugin/manifest_reader.h"
#include "fuzz.h"

using namespace berth;

namespace {

void check_refusal(const plugin::Refusal& refusal) { fuzz::require(!refusal.reason.empty(), "a refusal says why"); }

void look_at(const std::variant<Manifest, plugin::Refusal>& read) {
  if (const auto* refusal = std::get_if<plugin::Refusal>(&read)) return check_refusal(*refusal);
  const auto& manifest = std::get<Manifest>(read);
  fuzz::require(std::memchr(manifest.id, 0, sizeof(manifest.id)) != nullptr &&
                    std::memchr(manifest.version, 0, sizeof(manifest.version)) != nullptr &&
                    std::memchr(manifest.summary, 0, sizeof(manifest.summary)) != nullptr,
                "a manifest's texts end");
  plugin::judge_manifest(manifest, plugin::host_manifest());
  plugin::built_for(manifest);
}

// The manifest with its checksum made right: else no change of it would ever be taken.
void look_at_corrected(plugin::Bytes section) {
  Manifest manifest{};
  if (section.size() < sizeof(manifest)) return;
  std::memcpy(&manifest, section.data(), sizeof(manifest));
  manifest.size = sizeof(manifest);
  manifest.checksum = manifest_checksum(manifest);
  look_at(plugin::parse_manifest({reinterpret_cast<const std::byte*>(&manifest), sizeof(manifest)}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const plugin::Bytes file(reinterpret_cast<const std::byte*>(data), size);
  look_at(plugin::read_manifest(file));
  const auto section = plugin::find_elf_section(file, BERTH_MANIFEST_SECTION);
  if (const auto* bytes = std::get_if<plugin::Bytes>(&section)) look_at_corrected(*bytes);
  const auto symbols = plugin::exported_symbols(file);
  if (const auto* refusal = std::get_if<plugin::Refusal>(&symbols)) check_refusal(*refusal);
  return 0;
}

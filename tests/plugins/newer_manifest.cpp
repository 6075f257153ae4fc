// Built with an SDK of the future whose manifest has more at its end. This host can load it.
#include "make_minimal_task.h"

namespace {

struct NewerManifest {
  berth::Manifest known;
  std::uint64_t more[2];
};

constexpr NewerManifest newer_manifest() {
  NewerManifest m{berth::make_manifest("newer_manifest", "1.0.0", "a plugin of berth's tests"), {7, 8}};
  m.known.size = sizeof(m);
  m.known.checksum = berth::manifest_checksum(m.known);
  for (auto v : m.more) m.known.checksum = berth::detail::fnv1a(m.known.checksum, v, 8);
  return m;
}

}  // namespace

extern "C" TEST_MANIFEST_ATTRIBUTES const NewerManifest berth_plugin_manifest = newer_manifest();

TEST_ENTRY(char*, std::size_t) { return make_minimal_task(); }

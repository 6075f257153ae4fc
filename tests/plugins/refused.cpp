// One source for the plugins that must be refused by their manifest (WRONG_... says what is wrong with it). Their
// constructor traps: a host that runs it before it judges the manifest dies.
#include "make_minimal_task.h"

namespace {

constexpr berth::Manifest wrong_manifest() {
  auto m = berth::make_manifest(WRONG_ID, "1.0.0", "must never run");
  m.WRONG_FIELD = WRONG_VALUE;
  m.checksum = berth::manifest_checksum(m) + WRONG_CHECKSUM;
  return m;
}

__attribute__((constructor)) void trap() { __builtin_trap(); }

}  // namespace

extern "C" TEST_MANIFEST_ATTRIBUTES const berth::Manifest berth_plugin_manifest = wrong_manifest();

TEST_ENTRY(char*, std::size_t) { return make_minimal_task(); }

// For plugins that write their entry function by hand: knows nothing of LibTorch, so that each compiles in no time.
#pragma once

#include <cstddef>

#include "berth/manifest.h"

namespace berth {
inline namespace v1 {
class Task;
}
}  // namespace berth

berth::Task* make_minimal_task();

#define TEST_MANIFEST_ATTRIBUTES __attribute__((section(BERTH_MANIFEST_SECTION), used, visibility("hidden")))

// Lays down the manifest and leaves the entry function to the file.
#define TEST_MANIFEST(id)                                                             \
  extern "C" TEST_MANIFEST_ATTRIBUTES const ::berth::Manifest berth_plugin_manifest = \
      ::berth::make_manifest(id, "1.0.0", "a plugin of berth's tests")

// Begins the definition of the entry function.
#define TEST_ENTRY extern "C" BERTH_VISIBLE ::berth::Task* berth_create_task

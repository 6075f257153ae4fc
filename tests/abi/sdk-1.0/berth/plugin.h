// The one line that makes a library a plugin:
//
//   BERTH_PLUGIN("stance", "1.0.0", "who is for and who against", StanceTask)
//
// It lays down the manifest and the one exported function. Build with berth_add_plugin() of the CMake package.
#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>

#include "berth/manifest.h"
#include "berth/task.h"

// Returns a new task that the host deletes, or null with the reason in `message` (at most `size` bytes, NUL included).
#define BERTH_ENTRY_NAME "berth_create_task"
using BerthCreateTask = berth::Task* (*)(char* message, std::size_t size);

#define BERTH_PLUGIN(id, version, summary, TaskClass)                                                   \
  extern "C" __attribute__((section(BERTH_MANIFEST_SECTION), used, visibility("hidden")))               \
  const ::berth::Manifest berth_plugin_manifest = ::berth::make_manifest(id, version, summary);         \
  extern "C" BERTH_VISIBLE ::berth::Task* berth_create_task(char* message, std::size_t size) noexcept { \
    try {                                                                                               \
      return new TaskClass();                                                                           \
    } catch (const std::exception& e) {                                                                 \
      std::snprintf(message, size, "%s", e.what());                                                     \
    } catch (...) {                                                                                     \
      std::snprintf(message, size, "an exception of unknown type");                                     \
    }                                                                                                   \
    return nullptr;                                                                                     \
  }

// The one guard around calls into plugins: whatever a plugin throws becomes a berth::Error that names plugin and call.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "berth/error.h"

namespace berth::plugin {

// Names whose code is about to run, for messages: {"task 'sst2' (plugin classification)", "features", ".../stance.so"}.
struct CallSite {
  std::string owner;
  const char* call;
  std::string file = {};  // the library; told where the plugin is to blame
};

// LibTorch's allocator says so with a c10::Error. No fault of the plugin, which is not blamed for it.
bool is_out_of_memory(const std::exception& error);

// To be called in a catch block: rethrows what is being handled as Error. berth::Error keeps its kind; the text gets
// "task 'x' (plugin y), features: " in front; c10::Error loses its backtrace; lack of memory passes as it is; anything
// else becomes kPlugin. Of kPlugin, the text begins with the library's file, where the error has no
// place of its own.
[[noreturn]] void rethrow_from_plugin(const CallSite& site);

template <typename F>
decltype(auto) guarded(const CallSite& site, F&& call) {
  try {
    return std::forward<F>(call)();
  } catch (...) {
    rethrow_from_plugin(site);
  }
}

}  // namespace berth::plugin

#include <fmt/format.h>

#include "core/plugin/manifest_reader.h"

namespace berth::plugin {
namespace {

std::string dotted(const std::uint32_t (&v)[3]) { return fmt::format("{}.{}.{}", v[0], v[1], v[2]); }

std::string compiler_name(const Manifest& m) {
  switch (m.compiler) {
    case 1:
      return fmt::format("GCC {}", m.compiler_major);
    case 2:
      return fmt::format("Clang {}", m.compiler_major);
    default:
      return fmt::format("an unknown compiler (number {})", m.compiler);
  }
}

std::string debug_names(std::uint32_t bits) {
  std::string text;
  const auto add = [&text](const std::string& name) { text += (text.empty() ? "" : ", ") + name; };
  if ((bits & kDebugContainers) != 0) add("_GLIBCXX_DEBUG");
  if ((bits & kAddressSanitizer) != 0) add("AddressSanitizer");
  if ((bits & kThreadSanitizer) != 0) add("ThreadSanitizer");
  const auto unknown = bits & ~std::uint32_t{kDebugContainers | kAddressSanitizer | kThreadSanitizer};
  if (unknown != 0) add(fmt::format("unknown debug settings ({:#x})", unknown));
  return text.empty() ? "no debug settings" : text;
}

// A newer host takes what an older one of its major version took. Before 1.0 each minor version stood alone.
bool has_sdk(const Manifest& host, const std::uint32_t (&needed)[3]) {
  const auto& own = host.sdk_built;
  if (own[0] != needed[0]) return false;
  if (own[0] == 0) return own[1] == needed[1] && own[2] >= needed[2];
  return own[1] != needed[1] ? own[1] > needed[1] : own[2] >= needed[2];
}

std::string judge_sdk(const Manifest& plugin, const Manifest& host) {
  if (has_sdk(host, plugin.sdk_needed)) {
    if (plugin.interface_version == host.interface_version) return "";
    return fmt::format("was built for interface {} of the SDK, and this berth has interface {}; rebuild it with SDK {}",
                       plugin.interface_version, host.interface_version, dotted(host.sdk_built));
  }
  return fmt::format("was built with SDK {} and needs {}, and this berth has {}; rebuild it with SDK {}",
                     dotted(plugin.sdk_built), dotted(plugin.sdk_needed), dotted(host.sdk_built),
                     dotted(host.sdk_built));
}

std::string judge_libtorch(const Manifest& plugin, const Manifest& host) {
  if (plugin.libtorch[0] == host.libtorch[0] && plugin.libtorch[1] == host.libtorch[1]) return "";
  return fmt::format("was built for LibTorch {}, and this berth runs {}; rebuild it with LibTorch {}.{}",
                     dotted(plugin.libtorch), dotted(host.libtorch), host.libtorch[0], host.libtorch[1]);
}

// The major version of a compiler is no reason: GCC's ABI has been one for longer than C++20, and a library that is
// too new is told by the loader.
std::string judge_compiler(const Manifest& plugin, const Manifest& host) {
  if (plugin.compiler != host.compiler) {
    return fmt::format("was built with {}, and this berth with {}; rebuild it with the same kind of compiler",
                       compiler_name(plugin), compiler_name(host));
  }
  if (plugin.cxx11_abi != host.cxx11_abi) {
    return fmt::format(
        "was built with the C++ ABI _GLIBCXX_USE_CXX11_ABI={0}, and this berth with {1}; rebuild it with "
        "-D_GLIBCXX_USE_CXX11_ABI={1}",
        plugin.cxx11_abi, host.cxx11_abi);
  }
  return "";
}

// A sanitizer in the host alone does no harm; in a plugin alone it lacks its runtime.
std::string judge_debug_bits(const Manifest& plugin, const Manifest& host) {
  const bool same_containers = (plugin.debug_bits & kDebugContainers) == (host.debug_bits & kDebugContainers);
  const auto only_in_plugin = plugin.debug_bits & ~host.debug_bits;
  if (same_containers && only_in_plugin == 0) return "";
  return fmt::format("was built with {}, and this berth with {}; rebuild it with the same settings",
                     debug_names(plugin.debug_bits), debug_names(host.debug_bits));
}

}  // namespace

std::string judge_manifest(const Manifest& plugin, const Manifest& host) {
  for (const auto judge : {judge_sdk, judge_libtorch, judge_compiler, judge_debug_bits}) {
    if (auto reason = judge(plugin, host); !reason.empty()) return reason;
  }
  return "";
}

std::string built_for(const Manifest& manifest) {
  return fmt::format("SDK {}, LibTorch {}, {}", dotted(manifest.sdk_built), dotted(manifest.libtorch),
                     compiler_name(manifest));
}

}  // namespace berth::plugin

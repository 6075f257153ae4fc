// What a plugin says of itself before any of its code runs: plain bytes in the ELF section ".berth_manifest", which the
// host reads from the file. Never changed, only extended at the end (with a larger `size`).
#pragma once

#if __has_include(<torch/headeronly/version.h>)
#include <torch/headeronly/version.h>
#else
#include <torch/version.h>
#endif

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

#define BERTH_MANIFEST_SECTION ".berth_manifest"
#define BERTH_MANIFEST_MAGIC 0x31485452'45422e7fULL  // "\x7f.BERTH1" read as little-endian bytes

struct Manifest {
  std::uint64_t magic;
  std::uint32_t size;      // of this struct
  std::uint32_t checksum;  // FNV-1a over all bytes of the struct, this field read as 0
  std::uint32_t interface_version;
  std::uint32_t sdk_built[3];   // the SDK's version that the plugin was built against: major, minor, patch
  std::uint32_t sdk_needed[3];  // the least that it can work with
  std::uint32_t libtorch[3];
  std::uint32_t compiler;  // 1: GCC, 2: Clang
  std::uint32_t compiler_major;
  std::uint32_t cxx11_abi;   // _GLIBCXX_USE_CXX11_ABI
  std::uint32_t cplusplus;   // __cplusplus
  std::uint32_t debug_bits;  // kDebugContainers | ...
  std::uint32_t reserved;
  char id[64];  // what a suite names: [a-z][a-z0-9_-]*, NUL-terminated as all text here
  char version[32];
  char summary[128];
};
static_assert(sizeof(Manifest) == 16 + 16 * 4 + 64 + 32 + 128);

enum ManifestDebugBits : std::uint32_t {
  kDebugContainers = 1,  // _GLIBCXX_DEBUG: other layouts of standard containers
  kAddressSanitizer = 2,
  kThreadSanitizer = 4,
};

namespace detail {

constexpr std::uint32_t fnv1a(std::uint32_t hash, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) hash = (hash ^ static_cast<std::uint8_t>(value >> (8 * i))) * 16777619U;
  return hash;
}

}  // namespace detail

// Field by field, so that it can be computed at compile time; the struct has no padding.
constexpr std::uint32_t manifest_checksum(const Manifest& m) {
  using detail::fnv1a;
  std::uint32_t h = 2166136261U;
  h = fnv1a(h, m.magic, 8);
  h = fnv1a(h, m.size, 4);
  h = fnv1a(h, 0, 4);
  h = fnv1a(h, m.interface_version, 4);
  for (auto v : m.sdk_built) h = fnv1a(h, v, 4);
  for (auto v : m.sdk_needed) h = fnv1a(h, v, 4);
  for (auto v : m.libtorch) h = fnv1a(h, v, 4);
  for (auto v : {m.compiler, m.compiler_major, m.cxx11_abi, m.cplusplus, m.debug_bits, m.reserved}) h = fnv1a(h, v, 4);
  for (auto c : m.id) h = fnv1a(h, static_cast<std::uint8_t>(c), 1);
  for (auto c : m.version) h = fnv1a(h, static_cast<std::uint8_t>(c), 1);
  for (auto c : m.summary) h = fnv1a(h, static_cast<std::uint8_t>(c), 1);
  return h;
}

constexpr std::uint32_t build_debug_bits() {
  std::uint32_t bits = 0;
#ifdef _GLIBCXX_DEBUG
  bits |= kDebugContainers;
#endif
#ifdef __SANITIZE_ADDRESS__
  bits |= kAddressSanitizer;
#endif
#ifdef __SANITIZE_THREAD__
  bits |= kThreadSanitizer;
#endif
#ifdef __has_feature  // Clang says it this way
#if __has_feature(address_sanitizer)
  bits |= kAddressSanitizer;
#endif
#if __has_feature(thread_sanitizer)
  bits |= kThreadSanitizer;
#endif
#endif
  return bits;
}

// The manifest of the compilation that calls it: a plugin's own, or the host's, which plugins are judged against.
template <std::size_t I, std::size_t V, std::size_t S>
constexpr Manifest make_manifest(const char (&id)[I], const char (&version)[V], const char (&summary)[S]) {
  static_assert(I > 1 && I <= sizeof(Manifest::id), "a plugin's id has 1 to 63 characters");
  static_assert(V > 1 && V <= sizeof(Manifest::version), "a plugin's version has 1 to 31 characters");
  static_assert(S <= sizeof(Manifest::summary), "a plugin's summary has at most 127 characters");
  Manifest m{};
  m.magic = BERTH_MANIFEST_MAGIC;
  m.size = sizeof(Manifest);
  m.interface_version = BERTH_INTERFACE_VERSION;
  m.sdk_built[0] = m.sdk_needed[0] = BERTH_SDK_VERSION_MAJOR;
  m.sdk_built[1] = m.sdk_needed[1] = BERTH_SDK_VERSION_MINOR;
  m.sdk_built[2] = BERTH_SDK_VERSION_PATCH;
  m.libtorch[0] = TORCH_VERSION_MAJOR;
  m.libtorch[1] = TORCH_VERSION_MINOR;
  m.libtorch[2] = TORCH_VERSION_PATCH;
#ifdef __clang__
  m.compiler = 2;
  m.compiler_major = __clang_major__;
#else
  m.compiler = 1;
  m.compiler_major = __GNUC__;
#endif
  m.cxx11_abi = _GLIBCXX_USE_CXX11_ABI;
  m.cplusplus = __cplusplus;
  m.debug_bits = build_debug_bits();
  for (std::size_t i = 0; i < I; ++i) m.id[i] = id[i];
  for (std::size_t i = 0; i < V; ++i) m.version[i] = version[i];
  for (std::size_t i = 0; i < S; ++i) m.summary[i] = summary[i];
  m.checksum = manifest_checksum(m);
  return m;
}

}  // namespace v1
}  // namespace berth

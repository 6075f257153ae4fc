#include <gtest/gtest.h>

#include "core/plugin/manifest_reader.h"

namespace berth::plugin {
namespace {

// A host of fixed versions, so that the sentences can be compared.
Manifest host(std::uint32_t major = 0, std::uint32_t minor = 3) {
  auto m = make_manifest("berth", "host", "");
  m.interface_version = 1;
  m.sdk_built[0] = m.sdk_needed[0] = major;
  m.sdk_built[1] = m.sdk_needed[1] = minor;
  m.sdk_built[2] = m.sdk_needed[2] = 2;
  m.libtorch[0] = 2;
  m.libtorch[1] = 13;
  m.libtorch[2] = 0;
  m.compiler = 1;
  m.compiler_major = 12;
  m.cxx11_abi = 1;
  m.debug_bits = 0;
  return m;
}

TEST(ManifestJudgeTest, TheSameBuildIsTaken) {
  EXPECT_EQ(judge_manifest(host(), host()), "");
  EXPECT_EQ(judge_manifest(host_manifest(), host_manifest()), "");
  EXPECT_EQ(built_for(host()), "SDK 0.3.2, LibTorch 2.13.0, GCC 12");
}

TEST(ManifestJudgeTest, WhatDoesNotMatterIsTaken) {
  auto plugin = host();
  plugin.libtorch[2] = 1;
  plugin.compiler_major = 14;
  plugin.cplusplus = 202302;
  plugin.sdk_built[2] = 9;
  plugin.sdk_needed[2] = 0;
  EXPECT_EQ(judge_manifest(plugin, host()), "");
}

TEST(ManifestJudgeTest, Interface) {
  auto plugin = host();
  plugin.interface_version = 2;
  EXPECT_EQ(judge_manifest(plugin, host()),
            "was built for interface 2 of the SDK, and this berth has interface 1; rebuild it with SDK 0.3.2");
}

TEST(ManifestJudgeTest, BeforeOneEachMinorVersionStandsAlone) {
  auto plugin = host();
  plugin.sdk_built[1] = plugin.sdk_needed[1] = 2;
  EXPECT_EQ(judge_manifest(plugin, host()),
            "was built with SDK 0.2.2 and needs 0.2.2, and this berth has 0.3.2; rebuild it with SDK 0.3.2");
  plugin.sdk_built[1] = plugin.sdk_needed[1] = 4;
  EXPECT_NE(judge_manifest(plugin, host()), "");
  plugin = host();
  plugin.sdk_needed[2] = 3;
  EXPECT_NE(judge_manifest(plugin, host()), "") << "needs a later patch than this host has";
}

TEST(ManifestJudgeTest, FromOneOnAnOlderPluginIsTaken) {
  const auto is_taken = [](std::uint32_t major, std::uint32_t minor, std::uint32_t patch) {
    auto plugin = host(1, 4);
    plugin.sdk_built[1] = 9;  // built with a newer one; what it needs decides
    plugin.sdk_needed[0] = major;
    plugin.sdk_needed[1] = minor;
    plugin.sdk_needed[2] = patch;
    return judge_manifest(plugin, host(1, 4)).empty();
  };
  EXPECT_TRUE(is_taken(1, 0, 0));
  EXPECT_TRUE(is_taken(1, 3, 99));
  EXPECT_TRUE(is_taken(1, 4, 2));
  EXPECT_FALSE(is_taken(1, 4, 3));
  EXPECT_FALSE(is_taken(1, 5, 0));
  EXPECT_FALSE(is_taken(0, 4, 2));
  EXPECT_FALSE(is_taken(2, 0, 0));
}

TEST(ManifestJudgeTest, LibTorch) {
  auto plugin = host();
  plugin.libtorch[1] = 7;
  EXPECT_EQ(judge_manifest(plugin, host()),
            "was built for LibTorch 2.7.0, and this berth runs 2.13.0; rebuild it with LibTorch 2.13");
  plugin = host();
  plugin.libtorch[0] = 3;
  EXPECT_NE(judge_manifest(plugin, host()), "");
}

TEST(ManifestJudgeTest, Compiler) {
  auto plugin = host();
  plugin.compiler = 2;
  plugin.compiler_major = 17;
  EXPECT_EQ(judge_manifest(plugin, host()),
            "was built with Clang 17, and this berth with GCC 12; rebuild it with the same kind of compiler");
  plugin = host();
  plugin.cxx11_abi = 0;
  EXPECT_EQ(judge_manifest(plugin, host()),
            "was built with the C++ ABI _GLIBCXX_USE_CXX11_ABI=0, and this berth with 1; rebuild it with "
            "-D_GLIBCXX_USE_CXX11_ABI=1");
}

TEST(ManifestJudgeTest, DebugBits) {
  const auto judge = [](std::uint32_t of_plugin, std::uint32_t of_host) {
    auto plugin = host();
    auto own = host();
    plugin.debug_bits = of_plugin;
    own.debug_bits = of_host;
    return judge_manifest(plugin, own);
  };
  EXPECT_EQ(
      judge(kDebugContainers | kAddressSanitizer, 0),
      "was built with _GLIBCXX_DEBUG, AddressSanitizer, and this berth with no debug settings; rebuild it with the "
      "same settings");
  EXPECT_NE(judge(0, kDebugContainers), "");
  EXPECT_NE(judge(kThreadSanitizer, kAddressSanitizer), "");
  EXPECT_NE(judge(1U << 31, 0), "");
  EXPECT_EQ(judge(0, kAddressSanitizer), "");
  EXPECT_EQ(judge(kAddressSanitizer, kAddressSanitizer), "");
}

}  // namespace
}  // namespace berth::plugin

#include "core/plugin/registry.h"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "core/plugin/guard.h"
#include "core/plugin/manifest_reader.h"
#include "core/suite/option_binder.h"
#include "plugin_files.h"
#include "tests/plugins/ability.h"

namespace berth::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Where kWhere{"s.toml", 4, 10};

class NoExamples final : public ExampleStream {
  std::unique_ptr<Example> next() override { return nullptr; }
};

std::string reason_for(const Registry& registry, const std::string& file) {
  for (const auto& refused : registry.refused()) {
    if (refused.path.filename() == file) return refused.reason;
  }
  return "";
}

// "kind: message" of what create() throws.
std::string failure(const Registry& registry, const std::string& id) {
  try {
    registry.create(id, kWhere);
  } catch (const Error& e) {
    return std::to_string(static_cast<int>(e.kind())) + ": " + e.what();
  }
  return "";
}

TEST(RegistryTest, FindsWhatCanBeLoaded) {
  const Registry registry({loadable_folder()});
  std::vector<std::string> ids;
  for (const auto& plugin : registry.plugins()) ids.push_back(plugin.id);
  EXPECT_THAT(ids, ElementsAre("able", "failing_task", "fast_math", "good", "meddler", "newer_manifest", "no_entry",
                               "silent_entry", "throwing_entry", "undefined_symbol"));
  const auto& good = registry.plugins()[3];
  EXPECT_EQ(good.version, "1.2.3");
  EXPECT_EQ(good.summary, "a plugin of berth's tests");
  EXPECT_EQ(good.path, loadable_folder() / "good.so");
  EXPECT_THAT(good.built_for, StartsWith("SDK 1."));
}

// Each of these traps when it is loaded.
TEST(RegistryTest, RefusesBeforeAnyCodeRuns) {
  const Registry registry({refused_folder()});
  EXPECT_TRUE(registry.plugins().empty());
  const auto folder = refused_folder().string();
  const auto expect = [&](const std::string& name, const std::string& reason) {
    EXPECT_THAT(reason_for(registry, name + ".so"), HasSubstr(reason)) << name;
    EXPECT_EQ(failure(registry, name),
              "4: s.toml:4:10: " + folder + "/" + name + ".so: " + reason_for(registry, name + ".so"));
  };
  expect("no_manifest", "the file has no section .berth_manifest");
  expect("wrong_magic", "has a manifest that is not berth's");
  expect("wrong_checksum", "has a damaged manifest");
  expect("wrong_interface",
         "plugin 'wrong_interface' was built for interface 999 of the SDK, and this berth has interface ");
  expect("wrong_sdk", "needs 1.999.0, and this berth has 1.");
  expect("wrong_libtorch", "was built for LibTorch 2.999.");
  expect("wrong_compiler", "was built with an unknown compiler (number 3)");
  expect("wrong_abi", "_GLIBCXX_USE_CXX11_ABI=7");
  expect("wrong_debug", "was built with _GLIBCXX_DEBUG, AddressSanitizer");
  expect("wrong_id", "has the id 'Wrong_id'");
  expect("wrong_text", "text that can't be shown");
  EXPECT_EQ(registry.refused().size(), 11U);
}

TEST(RegistryDeathTest, TheTrapIsReal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(::dlopen((refused_folder() / "wrong_libtorch.so").c_str(), RTLD_NOW), "");
}

TEST(RegistryTest, LoadsAndMakesTasks) {
  const Registry registry({loadable_folder()});
  for (const char* id : {"good", "newer_manifest", "good"}) {
    const auto task = registry.create(id, kWhere);
    ASSERT_NE(task, nullptr);
    suite::OptionBinder binder;
    task->describe(binder);
    ASSERT_EQ(binder.fields().size(), 1U);
    EXPECT_EQ(binder.fields()[0].name, "dropout");
  }
}

TEST(RegistryTest, WhatFailsAfterLoadingIsOneSentence) {
  const Registry registry({loadable_folder()});
  const auto begin = [](const std::string& id) {
    return "4: plugin '" + id + "' (" + (loadable_folder() / id).string() + ".so)";
  };
  EXPECT_EQ(
      failure(registry, "no_entry"),
      begin("no_entry") + " has a manifest but does not export berth_create_task; build it with berth_add_plugin()");
  EXPECT_EQ(failure(registry, "silent_entry"),
            begin("silent_entry") + " made no task: it gave no reason; ask the plugin's author");
  EXPECT_EQ(failure(registry, "failing_task"), begin("failing_task") + " made no task: " + std::string(4095, 'x'));
  EXPECT_EQ(failure(registry, "throwing_entry"),
            begin("throwing_entry") + ", berth_create_task: the entry let this out");
  EXPECT_THAT(failure(registry, "undefined_symbol"), StartsWith(begin("undefined_symbol") + " can't be loaded: "));
  EXPECT_THAT(failure(registry, "undefined_symbol"), HasSubstr("berth_tests_function_that_nobody_has"));
}

TEST(RegistryTest, UnknownIdsNameTheNearest) {
  const Registry registry({loadable_folder()});
  EXPECT_EQ(failure(registry, "goood"), "2: s.toml:4:10: there is no plugin 'goood'; did you mean 'good'?");
  EXPECT_THAT(failure(registry, "x"), HasSubstr("looked in " + loadable_folder().string()));
  EXPECT_THAT(failure(registry, "x"), HasSubstr("--plugin-path"));
}

TEST(RegistryTest, TheFirstOfTwoWins) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(loadable_folder() / "good.so", folder.path() / "other.so");
  const Registry registry({folder.path(), loadable_folder()});
  ASSERT_EQ(registry.refused().size(), 1U);
  EXPECT_EQ(registry.refused()[0].path, loadable_folder() / "good.so");
  EXPECT_EQ(registry.refused()[0].reason, "plugin 'good' has the id of " + (folder.path() / "other.so").string() +
                                              ", which was found first; remove one of them");
  EXPECT_NE(registry.create("good", kWhere), nullptr);
}

TEST(RegistryTest, AFileThatWasReplacedIsJudgedAgain) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "good.so";
  std::filesystem::copy_file(loadable_folder() / "good.so", file);
  const Registry registry({folder.path()});
  const auto replace_by = [&file](const std::filesystem::path& other) {
    std::filesystem::remove(file);
    std::filesystem::copy_file(other, file);
  };
  replace_by(refused_folder() / "no_manifest.so");
  EXPECT_THAT(failure(registry, "good"), HasSubstr("has no section .berth_manifest"));
  replace_by(loadable_folder() / "meddler.so");
  EXPECT_THAT(failure(registry, "good"), HasSubstr("has just been replaced by plugin 'meddler'; run again"));
  auto older = read_bytes(loadable_folder() / "good.so");
  auto manifest = std::get<Manifest>(read_manifest(Bytes(older)));
  const auto at = std::search(older.begin(), older.end(), std::as_bytes(std::span(&manifest, 1)).begin(),
                              std::as_bytes(std::span(&manifest, 1)).end());
  manifest.libtorch[1] = 999;
  manifest.checksum = manifest_checksum(manifest);
  std::copy_n(std::as_bytes(std::span(&manifest, 1)).begin(), sizeof(manifest), at);
  write_bytes(file, older);
  EXPECT_THAT(failure(registry, "good"), HasSubstr("was built for LibTorch 2.999."));
  std::filesystem::remove(file);
  EXPECT_THAT(failure(registry, "good"), HasSubstr("can't be opened"));
}

// A host of a later version, whose options can do more.
class AbleOptions final : public Options, public Ability {
 public:
  OptionField& add(OptionField field) override { return binder_.add(std::move(field)); }
  std::string answer() const override { return "the host's"; }

 private:
  suite::OptionBinder binder_;
};

// How the SDK grows: either side asks the other's objects for what a later version may have added.
TEST(RegistryTest, NewAbilitiesAreFoundByCastsInBothDirections) {
  const Registry registry({loadable_folder()});
  const auto able = registry.create("able", kWhere);
  auto* ability = dynamic_cast<Ability*>(able.get());
  ASSERT_NE(ability, nullptr);
  EXPECT_EQ(ability->answer(), "the plugin's; asked nobody");
  AbleOptions options;
  able->describe(options);
  EXPECT_EQ(ability->answer(), "the plugin's; was told the host's");

  suite::OptionBinder plain;
  const auto other = registry.create("able", kWhere);
  other->describe(plain);
  EXPECT_EQ(dynamic_cast<Ability*>(other.get())->answer(), "the plugin's; the host has none");
  EXPECT_EQ(dynamic_cast<Ability*>(registry.create("good", kWhere).get()), nullptr) << "an older plugin";
}

TEST(RegistryTest, ErrorsKeepTheirPlace) {
  const Registry registry({loadable_folder()});
  const auto task = registry.create("good", kWhere);
  NoExamples none;
  try {
    guarded({"task 'a'", "fit"}, [&] { task->fit(none); });
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    ASSERT_NE(e.where(), nullptr);
    EXPECT_EQ(e.where()->file, "train.tsv");
    EXPECT_EQ(e.where()->line, 7);
  }
  EXPECT_EQ(Error(ErrorKind::kIo, "x").where(), nullptr);
}

TEST(RegistryTest, FoldersThatCanNotBeRead) {
  try {
    const Registry registry({"/no/such/folder"});
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_THAT(e.what(), StartsWith("/no/such/folder: the folder of plugins can't be read: No such file"));
  }
}

// The build folder of tests/plugins; no library stands in it.
const std::filesystem::path kBesideTheProgram = BERTH_BUILD "/tests/plugins";

TEST(SearchFoldersTest, Order) {
  const TemporaryFolder folder;
  const auto a = folder.path() / "a";
  const auto b = folder.path() / "b";
  std::filesystem::create_directory(a);
  std::filesystem::create_directory(b);
  const auto list = ":" + b.string() + "/:" + (folder.path() / "none").string() + "::" + a.string() + ":" + a.string();
  ::setenv("BERTH_PLUGIN_PATH", list.c_str(), 1);
  const auto folders = search_folders({"rel/", a});
  ::unsetenv("BERTH_PLUGIN_PATH");
  EXPECT_THAT(folders, ElementsAre(std::filesystem::current_path() / "rel", a, b, kBesideTheProgram));
  EXPECT_THAT(search_folders({}), ElementsAre(kBesideTheProgram));
}

// Exceptions of every sort cross from the plugin's library and are told apart.
TEST(RegistryTest, ExceptionsOfAPluginAreNamed) {
  const Registry registry({loadable_folder()});
  const auto task = registry.create("good", kWhere);
  const auto caught = [](const char* call, auto function) -> std::string {
    try {
      guarded({"task 'a' (plugin good)", call}, function);
    } catch (const Error& e) {
      return std::to_string(static_cast<int>(e.kind())) + ": " + e.what();
    }
    return "";
  };
  NoExamples none;
  EXPECT_EQ(caught("fit", [&] { task->fit(none); }), "3: task 'a' (plugin good), fit: train.tsv:7: there is no label");
  EXPECT_EQ(caught("save_state", [&] { task->save_state(); }),
            "4: task 'a' (plugin good), save_state: sizes 3 and 4 do not match");
  EXPECT_EQ(caught("load_state", [&] { task->load_state("abc"); }),
            "4: task 'a' (plugin good), load_state: state of 3");
  EXPECT_EQ(caught("stratum", [&] { task->stratum(Example{}); }),
            "4: task 'a' (plugin good), stratum: an exception of unknown type");
}

}  // namespace
}  // namespace berth::plugin

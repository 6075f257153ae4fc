// The plugin `flawed` of tests/plugins is a classifier of the column `text`; it has no flaw here.
#include "core/data/feature_cache.h"

#include <ATen/Functions.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <fstream>
#include <future>
#include <thread>

#include "core/data/feature_key.h"
#include "core/platform/temporary_folder.h"
#include "core/text/load_tokenizer.h"

namespace berth::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kPlugins = BERTH_BUILD "/tests/plugins-flawed";

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

suite::ConfigTable table(std::vector<std::pair<std::string, std::string>> entries) {
  suite::ConfigTable result;
  for (auto& [key, value] : entries) result.entries.push_back({key, {value, {}}, {}});
  return result;
}

class FeatureCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write(model_ / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfine\nday\nbad\n");
    write(train(), "text\tlabel\na fine day\tgood\na bad day\tbad\na day\tgood\n");
    config_.name = "mood";
    config_.plugin = "flawed";
    config_.train = {"train", train(), {}, {}};
  }

  fs::path train() const { return folder_ / "data" / "train.tsv"; }

  struct Opened {
    std::unique_ptr<Tokenizer> tokenizer;
    std::unique_ptr<plugin::LoadedTask> task;
    FeatureOptions options() const { return {*tokenizer, max_length, dtype}; }
    std::int64_t max_length = 8;
    at::ScalarType dtype = at::kFloat;
  };

  Opened open() const {
    Opened opened{text::load_tokenizer(model_),
                  std::make_unique<plugin::LoadedTask>(plugin::Registry({plugins_}), config_), max_length_, dtype_};
    opened.task->use_tokenizer(*opened.tokenizer);
    return opened;
  }

  CachedSet cached(const Opened& opened) const { return cached_set(*opened.task, opened.options(), {cache_, model_}); }
  CachedSet cached() const { return cached(open()); }

  std::string key() const {
    const auto opened = open();
    return feature_key(*opened.task, opened.options(), model_);
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(cache_)) names.push_back(entry.path().filename().string());
    return names;
  }

  fs::path own_file() const { return cache_ / (key() + ".features"); }

  platform::TemporaryFolder temporary_;
  fs::path folder_ = temporary_.place_for("x").parent_path();
  fs::path model_ = folder_ / "model";
  fs::path cache_ = folder_ / "below" / "cache";
  fs::path plugins_ = kPlugins;
  suite::TaskConfig config_;
  std::int64_t max_length_ = 8;
  at::ScalarType dtype_ = at::kFloat;
};

TEST_F(FeatureCacheTest, TheFirstMakesItAndTheNextFindsIt) {
  const auto plain = open();
  fit(*plain.task, *config_.train, {});
  const auto held = make_task_data(*plain.task, "train", read_examples(*plain.task, *config_.train), Keep::kFeatures,
                                   plain.options());
  for (const auto how : {CacheUse::How::kMade, CacheUse::How::kFound, CacheUse::How::kFound}) {
    const auto opened = open();
    const auto set = cached(opened);
    EXPECT_EQ(set.use.how, how);
    EXPECT_EQ(set.use.file, own_file());
    EXPECT_EQ(set.use.bytes, static_cast<std::int64_t>(fs::file_size(own_file())));
    EXPECT_EQ(opened.task->save_state(), plain.task->save_state());
    EXPECT_EQ(set.data.name, "train");
    EXPECT_EQ(set.data.example_count, 3);
    EXPECT_EQ(set.data.store.fingerprint(), held.store.fingerprint());
    const auto batch = set.data.store.pack({2, 0, 1});
    EXPECT_TRUE(at::equal(batch->ids(), held.store.pack({2, 0, 1})->ids()));
    EXPECT_TRUE(at::equal(batch->field("label"), held.store.pack({2, 0, 1})->field("label")));
    EXPECT_EQ(describe(set.data.places_of({2, 0}), 9), describe(held.places_of({2, 0}), 9));
  }
  EXPECT_EQ(files(), std::vector<std::string>{key() + ".features"});
}

TEST_F(FeatureCacheTest, SaysInOneLineWhatItDid) {
  EXPECT_THAT(describe(cached().use), HasSubstr("written to " + own_file().string() + ", 0.0 MB"));
  EXPECT_THAT(describe(cached().use), HasSubstr("found in " + own_file().string()));
  EXPECT_THAT(describe({CacheUse::How::kNone, "it is streamed"}),
              HasSubstr("not kept in training.feature_cache: it is streamed"));
}

TEST_F(FeatureCacheTest, FoldersAndTimesMakeNoOtherKey) {
  const auto before = key();
  cached();
  fs::rename(folder_ / "data", folder_ / "moved");
  config_.train->path = folder_ / "moved" / "train.tsv";
  fs::last_write_time(config_.train->path, fs::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_EQ(key(), before);
  const auto set = cached();
  EXPECT_EQ(set.use.how, CacheUse::How::kFound);
  EXPECT_EQ(describe(set.data.places_of({1}), 9), (folder_ / "moved" / "train.tsv").string() + ", line 3");
}

TEST_F(FeatureCacheTest, WhatFeaturesDependOnMakesAnotherKey) {
  std::vector<std::string> keys = {key()};
  const auto expect_new = [&](const std::string& what) {
    const auto now = key();
    EXPECT_EQ(std::count(keys.begin(), keys.end(), now), 0) << what;
    keys.push_back(now);
  };
  max_length_ = 7;
  expect_new("max_length");
  dtype_ = at::kDouble;
  expect_new("dtype");
  config_.options = table({{"flaw", "some"}});
  expect_new("an option");
  config_.options = table({{"flaw", "other"}});
  expect_new("an option's value");
  config_.train->data = table({{"flaw", "some"}});
  expect_new("how the file is read");
  write(model_ / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nfine\na\nday\nbad\n");
  expect_new("the tokenizer");
  write(model_ / "tokenizer_config.json", "{\"do_lower_case\": false}");
  expect_new("the tokenizer's settings");
  write(train(), "text\tlabel\na fine day\tgood\na bad day\tbad\na day\tbad\n");
  expect_new("a label");
  config_.train->path = folder_ / "data" / "renamed.csv";
  fs::rename(train(), config_.train->path);
  expect_new("the name of the file");
  config_.train->path = folder_ / "data" / "*.csv";
  write(folder_ / "data" / "second.csv", "text,label\na day,good\n");
  expect_new("one more file");
  write(folder_ / "data" / "second.csv", "text,label\nday,good\n");
  expect_new("a text of the second file");
  config_.options = table({{"flaw", (folder_ / "words").string()}});
  expect_new("an option that may name a file");
  write(folder_ / "words", "one");
  expect_new("the file that an option names");
  write(folder_ / "words", "two");
  expect_new("what stands in it");
  plugins_ = folder_ / "plugins";
  fs::create_directories(plugins_);
  fs::copy_file(kPlugins / "flawed.so", plugins_ / "flawed.so");
  EXPECT_EQ(key(), keys.back()) << "where the plugin is";
  std::ofstream(plugins_ / "flawed.so", std::ios::binary | std::ios::app) << "more";
  expect_new("the plugin's file");
}

TEST_F(FeatureCacheTest, TheOrderOfOptionsMakesNoOtherKey) {
  config_.train->data = table({{"flaw", "a"}, {"format", "tsv"}});
  const auto before = key();
  config_.train->data = table({{"format", "tsv"}, {"flaw", "a"}});
  EXPECT_EQ(key(), before);
}

TEST_F(FeatureCacheTest, ADamagedFileIsMadeAnewAndToldOf) {
  cached();
  const auto whole = fs::file_size(own_file());
  fs::resize_file(own_file(), whole - 1);
  auto set = cached();
  EXPECT_EQ(set.use.how, CacheUse::How::kMade);
  EXPECT_THAT(describe(set.use), HasSubstr("; the file that was there has"));
  EXPECT_EQ(fs::file_size(own_file()), whole);
  write(own_file(), "");
  EXPECT_THAT(describe(cached().use), HasSubstr("; the file that was there is cut off"));
  EXPECT_EQ(cached().use.how, CacheUse::How::kFound);
}

TEST_F(FeatureCacheTest, WhatAKilledProcessLeftIsNeverUsedAndClearedAway) {
  write(cache_ / (std::string(64, '0') + ".features.partial"), "of another set");
  write(own_file().string() + ".partial", "of this one");
  write(cache_ / "notes.partial", "not the cache's");
  EXPECT_EQ(cached().use.how, CacheUse::How::kMade);
  EXPECT_THAT(files(), ::testing::UnorderedElementsAre(key() + ".features", "notes.partial"));
}

TEST_F(FeatureCacheTest, WhatAnotherProcessWritesIsLeftAlone) {
  const auto other = cache_ / (std::string(64, '0') + ".features.partial");
  write(other, "of another set");
  const int file = ::open(other.c_str(), O_RDWR);
  ASSERT_EQ(::flock(file, LOCK_EX), 0);
  cached();
  EXPECT_TRUE(fs::exists(other));
  ::close(file);
}

TEST_F(FeatureCacheTest, OneMakesItWhileOthersWait) {
  std::vector<std::future<CacheUse::How>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(std::async(std::launch::async, [this] { return cached().use.how; }));
  }
  int made = 0;
  for (auto& one : all) made += one.get() == CacheUse::How::kMade ? 1 : 0;
  EXPECT_EQ(made, 1);
  EXPECT_EQ(files(), std::vector<std::string>{key() + ".features"});
}

TEST_F(FeatureCacheTest, AMistakeInTheDataLeavesNothing) {
  write(train(), "text\tlabel\na fine day\tgood\nno label\n");
  EXPECT_THROW(cached(), Error);
  EXPECT_EQ(files(), std::vector<std::string>());
  write(train(), "text\tlabel\n");
  EXPECT_THROW(cached(), Error);
  EXPECT_EQ(files(), std::vector<std::string>());
}

TEST_F(FeatureCacheTest, AFolderThatCanNotBeUsedIsAnError) {
  write(folder_ / "below", "a file");
  try {
    cached();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kIo);
    EXPECT_THAT(e.what(), HasSubstr(cache_.string()));
    EXPECT_THAT(e.what(), HasSubstr("give training.feature_cache another folder"));
  }
}

}  // namespace
}  // namespace berth::data

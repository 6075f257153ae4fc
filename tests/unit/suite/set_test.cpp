#include <gmock/gmock.h>

#include "suite_fixture.h"

namespace berth::suite {
namespace {

using ::testing::HasSubstr;

TEST_F(SuiteTest, SetTakesTomlValues) {
  const auto suite = read(kLeast, {"training.epochs=1.5", "training.shuffle=false", "optimizer.freeze=['a', \"b\"]",
                                   "optimizer.rate=1e-3", "tasks.sst2.options={a = 1, b = [true]}"});
  EXPECT_EQ(suite.training.epochs, 1.5);
  EXPECT_FALSE(suite.training.shuffle);
  EXPECT_EQ(suite.optimizer.freeze[1].text, "b");
  EXPECT_EQ(suite.optimizer.rate, 1e-3);
  EXPECT_EQ(std::get<std::int64_t>(suite.tasks[0].options.find("a")->value), 1);
}

TEST_F(SuiteTest, SetTakesBareWordsAsStrings) {
  const auto text_option = [this](const std::string& value) {
    const auto suite = read(kLeast, {"tasks.sst2.options.x=" + value});
    return std::get<std::string>(suite.tasks[0].options.find("x")->value);
  };
  EXPECT_EQ(read(kLeast, {"schedule.kind=cosine"}).schedule.kind, ScheduleKind::kCosine);
  EXPECT_EQ(read(kLeast, {"model.path=../other model"}).model.path, folder_.parent_path() / "other model");
  EXPECT_EQ(text_option("a b = c"), "a b = c");
  EXPECT_EQ(text_option("2020-01-01"), "2020-01-01");
  EXPECT_EQ(text_option(""), "");
  EXPECT_EQ(text_option("1,2"), "1,2");
  EXPECT_EQ(text_option("\"1\""), "1");
  EXPECT_EQ(text_option("1\ny = 2"), "1\ny = 2");
}

TEST_F(SuiteTest, SetMakesTablesAndKnowsQuotedKeys) {
  const auto suite =
      read("[tasks.a]\nplugin='p'\n", {"model.path=m", "tasks.a.train=t", "tasks.a.data.label_map.\"a.b=c\"=x",
                                       "tasks.a.data.label_map.'d'=y", " tasks . a . weight = 2 "});
  const auto& map = std::get<ConfigTable>(suite.tasks[0].train->data.find("label_map")->value);
  ASSERT_EQ(map.entries.size(), 2U);
  EXPECT_EQ(map.entries[0].key, "a.b=c");
  EXPECT_EQ(map.entries[1].key, "d");
  EXPECT_EQ(suite.tasks[0].weight, 2);
}

TEST_F(SuiteTest, SetReplacesAndTheLastOneCounts) {
  EXPECT_EQ(read(kLeast, {"model.path=/x", "model.path=/y"}).model.path, "/y");
  EXPECT_EQ(read(kLeast, {"tasks.sst2.train={path='z'}"}).tasks[0].train->path, folder_ / "z");
}

TEST_F(SuiteTest, ErrorsOfSetNameIt) {
  EXPECT_EQ(complaint(kLeast, {"training.epoch=1"}),
            "--set training.epoch=1: [training]: there is no key 'epoch'; did you mean 'epochs'?");
  EXPECT_EQ(complaint(kLeast, {"training.epochs=many"}),
            "--set training.epochs=many: [training]: 'epochs' must be a number, but is a string");
  EXPECT_EQ(complaint(kLeast, {"training.epochs"}),
            "--set training.epochs: there is no '='; write --set section.key=value");
  EXPECT_EQ(complaint(kLeast + "[training]\nepochs=1\n", {"training.epochs.x=1"}),
            "--set training.epochs.x=1: 'training.epochs' is an integer, not a table, so nothing in it can be set");
  EXPECT_EQ(complaint(kLeast, {"tasks.sst.weight=1"}),
            "--set tasks.sst.weight=1: the suite has no task 'sst'; did you mean 'sst2'?");
  EXPECT_THAT(complaint(kLeast, {"tasks.other.weight=1"}), HasSubstr("[tasks.other]: 'plugin' is missing"));
  EXPECT_THAT(complaint(kLeast, {"optimizer.freeze=['a"}), HasSubstr("is not a TOML value"));
  for (const char* key : {"", "a..b", "a b", "[model]\npath", "#a", "a\nb", ".a", "{a}", "\"a"}) {
    EXPECT_THAT(complaint(kLeast, {std::string(key) + "=1"}),
                HasSubstr(key[0] == '"' ? "there is no '='" : "is not a key"))
        << key;
  }
  EXPECT_THAT(complaint(kLeast, {"name=\xff"}), HasSubstr("not UTF-8"));
  std::string deep = "a";
  for (int i = 0; i < 200000; ++i) deep += ".a";
  EXPECT_THAT(complaint(kLeast, {deep + "=1"}), HasSubstr("is not a key"));
}

}  // namespace
}  // namespace berth::suite

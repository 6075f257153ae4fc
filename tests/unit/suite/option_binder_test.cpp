#include "core/suite/option_binder.h"

#include <gmock/gmock.h>

#include "core/suite/toml_reader.h"

namespace berth::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// One option of each type.
struct AllTypes {
  bool flag = true;
  std::int64_t count = 3;
  double rate = 0.5;
  std::string word = "macro";
  std::vector<std::string> words = {"a", "b"};
  std::vector<double> reals = {0.25};
  std::map<std::string, std::string> names = {{"x y", "z"}};
  std::map<std::string, double> weights;

  void describe(Options& o) {
    o.field("flag", flag, "a switch");
    o.field("count", count, "how many").at_least(1);
    o.field("rate", rate, "how much").between(0, 1);
    o.field("word", word, "which one").one_of({"micro", "macro"});
    o.field("words", words, "which ones").one_of({"a", "b", "c"});
    o.field("reals", reals, "").between(0, 2);
    o.field("names", names, "what is what");
    o.field("weights", weights, "what weighs what").at_least(0);
  }
};

std::string fill(const std::string& toml) {
  AllTypes values;
  OptionBinder binder;
  values.describe(binder);
  try {
    binder.fill(parse_toml(toml, "o.toml"), "task 'a' (plugin p), options");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kConfig);
    return e.what();
  }
  return "";
}

TEST(OptionBinderTest, FillsEveryType) {
  AllTypes values;
  OptionBinder binder;
  values.describe(binder);
  binder.fill(parse_toml("flag = false\ncount = 9\nrate = 1\nword = 'micro'\nwords = ['c']\nreals = [1, 1.5]\n"
                         "names = {a = 'b', 'c d' = 'e'}\nweights.x = 2\nweights.y = 0.5\n",
                         "o.toml"),
              "options");
  EXPECT_FALSE(values.flag);
  EXPECT_EQ(values.count, 9);
  EXPECT_EQ(values.rate, 1);
  EXPECT_EQ(values.word, "micro");
  EXPECT_THAT(values.words, ElementsAre("c"));
  EXPECT_THAT(values.reals, ElementsAre(1, 1.5));
  EXPECT_THAT(values.names, ElementsAre(Pair("a", "b"), Pair("c d", "e")));
  EXPECT_THAT(values.weights, ElementsAre(Pair("x", 2), Pair("y", 0.5)));
}

TEST(OptionBinderTest, WhatIsNotGivenKeepsItsDefault) {
  AllTypes values;
  OptionBinder binder;
  values.describe(binder);
  binder.fill(ConfigTable{}, "options");
  EXPECT_EQ(values.count, 3);
  EXPECT_THAT(values.words, ElementsAre("a", "b"));
}

TEST(OptionBinderTest, WrongValuesAreRefusedAtTheirPlace) {
  const std::string owner = "task 'a' (plugin p), options: ";
  EXPECT_EQ(fill("\n  coutn = 1"), "o.toml:2:3: " + owner + "there is no key 'coutn'; did you mean 'count'?");
  EXPECT_EQ(fill("flag = 'yes'"), "o.toml:1:8: " + owner + "'flag' must be a boolean (true or false), but is a string");
  EXPECT_EQ(fill("count = 1.5"), "o.toml:1:9: " + owner + "'count' must be an integer, but is a real number");
  EXPECT_EQ(fill("count = 0"), "o.toml:1:9: " + owner + "'count' is 0, but must be at least 1");
  EXPECT_EQ(fill("rate = 1.5"), "o.toml:1:8: " + owner + "'rate' is 1.5, but must be from 0 to 1");
  EXPECT_EQ(fill("rate = nan"), "o.toml:1:8: " + owner + "'rate' is nan, but must be a finite number");
  EXPECT_EQ(fill("word = 'mikro'"), "o.toml:1:8: " + owner +
                                        "'word' is \"mikro\", but must be one of \"micro\", \"macro\"; did you mean "
                                        "\"micro\"?");
  EXPECT_EQ(fill("words = ['a', 'q']"),
            "o.toml:1:15: " + owner + "an element of 'words' is \"q\", but must be one of \"a\", \"b\", \"c\"");
  EXPECT_EQ(fill("words = 'a'"), "o.toml:1:9: " + owner + "'words' must be an array of strings, but is a string");
  EXPECT_EQ(fill("reals = [1, 3]"), "o.toml:1:13: " + owner + "an element of 'reals' is 3, but must be from 0 to 2");
  EXPECT_EQ(fill("reals = ['1']"), "o.toml:1:10: " + owner + "an element of 'reals' must be a number, but is a string");
  EXPECT_EQ(fill("names = {a = 1}"),
            "o.toml:1:14: " + owner + "an element of 'names' must be a string, but is an integer");
  EXPECT_EQ(fill("weights = []"), "o.toml:1:11: " + owner + "'weights' must be a table of numbers, but is an array");
  EXPECT_EQ(fill("weights.x = -1"), "o.toml:1:13: " + owner + "an element of 'weights' is -1, but must be at least 0");
}

TEST(OptionBinderTest, BoundsThatAreNoValuesThemselves) {
  double rate = 0.5;
  std::optional<double> share;
  std::optional<std::int64_t> count;
  std::vector<std::int64_t> sizes = {3};
  OptionBinder binder;
  binder.field("rate", rate, "").above(0).below(1);
  binder.field("share", share, "").at_most(1);
  binder.field("count", count, "").at_least(1);
  binder.field("sizes", sizes, "").above(0);
  const auto said = [&](const std::string& toml) -> std::string {
    try {
      binder.fill(parse_toml(toml, "o.toml"), "options");
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(said(""), "");
  EXPECT_FALSE(share || count) << "what is not given stays empty";
  EXPECT_EQ(said("rate = 0"), "o.toml:1:8: options: 'rate' is 0, but must be above 0 and below 1");
  EXPECT_EQ(said("rate = 1"), "o.toml:1:8: options: 'rate' is 1, but must be above 0 and below 1");
  EXPECT_EQ(said("share = 1.1"), "o.toml:1:9: options: 'share' is 1.1, but must be at most 1");
  EXPECT_EQ(said("count = 0"), "o.toml:1:9: options: 'count' is 0, but must be at least 1");
  EXPECT_EQ(said("sizes = [1, 0]"), "o.toml:1:13: options: an element of 'sizes' is 0, but must be above 0");
  EXPECT_EQ(said("sizes = [1.5]"),
            "o.toml:1:10: options: an element of 'sizes' must be an integer, but is a real number");
  EXPECT_EQ(said("rate = 0.25\nshare = 1\ncount = 2\nsizes = [7, 8]"), "");
  EXPECT_EQ(share, 1.0);
  EXPECT_EQ(count, 2);
  EXPECT_THAT(sizes, ElementsAre(7, 8));
  EXPECT_THAT(describe_options(binder.fields()), HasSubstr("list of integers  [7, 8]"));
}

TEST(OptionBinderTest, RequiredOptions) {
  std::string labels;
  OptionBinder binder;
  binder.field("labels", labels, "their names").one_of({"a"}).required();
  try {
    ConfigTable table;
    table.where = {"o.toml", 4, 1};
    binder.fill(table, "options");
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()), "o.toml:4:1: options: 'labels' is missing; give it (their names)");
  }
  binder.fill(parse_toml("labels = 'a'", "o.toml"), "options");
  EXPECT_EQ(labels, "a");
}

// What a wrong declaration is answered with.
template <typename Declare>
std::string declaration(Declare declare) {
  OptionBinder binder;
  try {
    declare(binder);
    binder.fill(ConfigTable{}, "owner");
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kPlugin);
    return e.what();
  }
  return "";
}

TEST(OptionBinderTest, WrongDeclarationsAreThePluginsFault) {
  AllTypes v;
  EXPECT_THAT(declaration([&](Options& o) {
                o.field("a", v.flag, "");
                o.field("a", v.count, "");
              }),
              HasSubstr("option 'a' is declared twice"));
  for (const char* name : {"", "A", "a-b", "1a", "_a", "a b"}) {
    EXPECT_THAT(declaration([&](Options& o) { o.field(name, v.flag, ""); }), HasSubstr("snake_case")) << name;
  }
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.word, "").between(0, 1); }),
              HasSubstr("option 'a' has a range, but its type is string"));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.flag, "").at_least(0); }), HasSubstr("has a range"));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.count, "").one_of({"x"}); }),
              HasSubstr("option 'a' has choices, but its type is integer"));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.rate, "").between(1, 0); }),
              HasSubstr("has an empty range, from 1 to 0"));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.rate, "").above(0.5).at_most(0.5); }),
              HasSubstr("has an empty range"));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.rate, "").between(0.6, 1); }),
              HasSubstr("owner: option 'a' has a default that is 0.5, but must be from 0.6 to 1"));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.words, "").one_of({"a"}); }),
              HasSubstr("has a default that is \"b\", but must be \"a\""));
  EXPECT_THAT(declaration([&](Options& o) { o.field("a", v.names, "").one_of({"q"}); }), HasSubstr("a default"));
  OptionBinder binder;
  binder.field("a", v.word, "").one_of({"x"}).required();
  EXPECT_NO_THROW(binder.check()) << "a required option's default is never used";
}

TEST(OptionBinderTest, DescriptionIsATable) {
  AllTypes values;
  std::string labels;
  OptionBinder binder;
  binder.field("labels", labels, "their names").required();
  values.describe(binder);
  EXPECT_EQ(describe_options(binder.fields()),
            "option   type              default          meaning\n"
            "labels   string            (required)       their names\n"
            "flag     boolean           true             a switch\n"
            "count    integer           3                how many; at least 1\n"
            "rate     real              0.5              how much; from 0 to 1\n"
            "word     string            \"macro\"          which one; one of \"micro\", \"macro\"\n"
            "words    list of strings   [\"a\", \"b\"]       which ones; one of \"a\", \"b\", \"c\"\n"
            "reals    list of reals     [0.25]           from 0 to 2\n"
            "names    table of strings  { \"x y\" = \"z\" }  what is what\n"
            "weights  table of reals    {}               what weighs what; at least 0\n");
  EXPECT_EQ(describe_options({}), "no options\n");
}

TEST(NearestNameTest, FindsWhatWasMeant) {
  const std::vector<std::string> keys = {"epochs",    "steps",      "batch_size", "rate",
                                         "head_rate", "max_length", "log_every"};
  EXPECT_EQ(nearest_name("epoch", keys), "epochs");
  EXPECT_EQ(nearest_name("Epochs", keys), "epochs");
  EXPECT_EQ(nearest_name("batch-size", keys), "batch_size");
  EXPECT_EQ(nearest_name("batchsize", keys), "batch_size");
  EXPECT_EQ(nearest_name("setps", keys), "steps");
  EXPECT_EQ(nearest_name("learning_rate", keys), "rate");
  EXPECT_EQ(nearest_name("max_len", keys), "max_length");
  EXPECT_EQ(nearest_name("batch", keys), "batch_size");
  EXPECT_EQ(nearest_name("colour", keys), "");
  EXPECT_EQ(nearest_name("x", keys), "");
  EXPECT_EQ(nearest_name("", keys), "");
  EXPECT_EQ(nearest_name(std::string(1000000, 'e'), keys), "");
  EXPECT_EQ(nearest_name("anything", {}), "");
}

}  // namespace
}  // namespace berth::suite

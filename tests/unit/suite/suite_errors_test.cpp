#include <gmock/gmock.h>

#include <ostream>

#include "suite_fixture.h"

namespace berth::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(SuiteTest, UnknownKeysNameTheNearest) {
  EXPECT_EQ(complaint(kLeast + "[training]\nepoch = 2\n"),
            "s.toml:7:1: [training]: there is no key 'epoch'; did you mean 'epochs'?");
  EXPECT_EQ(complaint("[trainig]\n" + kLeast),
            "s.toml:1:2: the suite: there is no key 'trainig'; did you mean 'training'?");
  EXPECT_EQ(complaint(kLeast + "  wieght = 1\n"),
            "s.toml:6:3: [tasks.sst2]: there is no key 'wieght'; did you mean 'weight'?");
  EXPECT_EQ(complaint(kLeast + "sets.test.paht = 'x'\n"),
            "s.toml:6:11: [tasks.sst2.sets.test]: there is no key 'paht'; did you mean 'path'?");
  EXPECT_EQ(complaint(kLeast + "[optimizer]\nlearning_rate = 1\n"),
            "s.toml:7:1: [optimizer]: there is no key 'learning_rate'; did you mean 'rate'?");
  EXPECT_EQ(complaint(kLeast + "[schedule]\nxyz = 1\n"),
            "s.toml:7:1: [schedule]: there is no key 'xyz'; it has kind, warmup, warmup_steps");
}

TEST_F(SuiteTest, WrongTypesSayWhatWasFound) {
  EXPECT_EQ(complaint(kLeast + "[training]\nepochs = \"3\"\n"),
            "s.toml:7:10: [training]: 'epochs' must be a number, but is a string");
  EXPECT_EQ(complaint(kLeast + "[training]\nsteps = 3.0\n"),
            "s.toml:7:9: [training]: 'steps' must be an integer, but is a real number");
  EXPECT_EQ(complaint(kLeast + "[training]\nshuffle = 1\n"),
            "s.toml:7:11: [training]: 'shuffle' must be a boolean (true or false), but is an integer");
  EXPECT_EQ(complaint("model = 1\n[tasks.a]\nplugin='p'\n"), "s.toml:1:9: [model] must be a table, but is an integer");
  EXPECT_EQ(complaint(kLeast + "dev = 3\n"),
            "s.toml:6:7: [tasks.sst2.dev] must be a path or a table with 'path', but is an integer");
  EXPECT_EQ(complaint(kLeast + "options = []\n"), "s.toml:6:11: [tasks.sst2.options] must be a table, but is an array");
  EXPECT_EQ(complaint("tasks = []\n[model]\npath='m'\n"), "s.toml:1:9: [tasks] must be a table, but is an array");
  EXPECT_EQ(complaint(kLeast + "[optimizer]\nfreeze = ['a', 1]\n"),
            "s.toml:7:16: [optimizer]: an element of 'freeze' must be a string, but is an integer");
  EXPECT_EQ(complaint(kLeast + "[tasks.b]\nplugin='p'\ntrain='t'\ndata.day = 2020-01-01\n"),
            "s.toml:9:12: no key of a suite takes a date or time; put it in quotes to make it a string");
}

struct BadValue {
  const char* section;
  const char* key_and_value;
  const char* part;  // of the message

  friend void PrintTo(const BadValue& bad, std::ostream* out) { *out << bad.section << ": " << bad.key_and_value; }
};

class BadValueTest : public SuiteTest, public ::testing::WithParamInterface<BadValue> {};

TEST_P(BadValueTest, IsRefusedWithItsRange) {
  const auto& [section, key_and_value, part] = GetParam();
  const auto text = kLeast + "[" + section + "]\n" + key_and_value + "\n";
  const auto message =
      section == std::string("tasks.sst2") ? complaint(kLeast + key_and_value + "\n") : complaint(text);
  EXPECT_THAT(message, StartsWith("s.toml:"));
  EXPECT_THAT(message, HasSubstr(std::string("[") + section + "]"));
  EXPECT_THAT(message, HasSubstr(part));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadValueTest,
    ::testing::Values(BadValue{"training", "epochs = 0", "'epochs' is 0, but must be above 0"},
                      BadValue{"training", "epochs = nan", "'epochs' is nan, but must be a finite number"},
                      BadValue{"training", "epochs = inf", "must be a finite number"},
                      BadValue{"training", "steps = -1", "'steps' is -1, but must be at least 0"},
                      BadValue{"training", "batch_size = 0", "must be at least 1"},
                      BadValue{"training", "accumulate = 0", "must be at least 1"},
                      BadValue{"training", "seed = -1", "must be at least 0"},
                      BadValue{"training", "clip_norm = -0.1", "must be at least 0"},
                      BadValue{"training", "log_every = 0", "must be at least 1"},
                      BadValue{"training", "threads = -1", "must be at least 0"},
                      BadValue{"training", "feature_cache = ''", "'feature_cache' is empty; write a path"},
                      BadValue{"optimizer", "rate = 0", "must be above 0"},
                      BadValue{"optimizer", "rate = -1e-5", "must be above 0"},
                      BadValue{"optimizer", "head_rate = 0", "must be above 0"},
                      BadValue{"optimizer", "weight_decay = -1", "must be at least 0"},
                      BadValue{"optimizer", "betas = [0.9, 1]",
                               "an element of 'betas' is 1, but must be at least 0 and below 1"},
                      BadValue{"optimizer", "betas = [0.9]", "'betas' must have two numbers, but has 1"},
                      BadValue{"optimizer", "epsilon = 0", "must be above 0"},
                      BadValue{"optimizer", "layer_decay = 0", "must be above 0 and at most 1"},
                      BadValue{"optimizer", "layer_decay = 1.1", "must be above 0 and at most 1"},
                      BadValue{"optimizer", "freeze = ['']", "'freeze' has an empty pattern"},
                      BadValue{"optimizer", "train_only = ['pooler', '']", "'train_only' has an empty pattern"},
                      BadValue{"optimizer", "decay_to = 'one'", "one of \"zero\", \"pretrained\""},
                      BadValue{"finetuning", "method = 'lorra'", "did you mean \"lora\"?"},
                      BadValue{"finetuning", "top_layers = 0", "must be at least 1"},
                      BadValue{"finetuning", "lora_rank = 0", "must be at least 1"},
                      BadValue{"finetuning", "lora_alpha = 0", "must be above 0"},
                      BadValue{"finetuning", "reinitialize_layers = -1", "must be at least 0"},
                      BadValue{"finetuning", "gradual_unfreezing = 1.5", "must be from 0 to 1"},
                      BadValue{"finetuning", "mixout = 1", "must be at least 0 and below 1"},
                      BadValue{"finetuning", "adversarial = -1", "must be at least 0"},
                      BadValue{"finetuning", "adapter_size = 0", "must be at least 1"},
                      BadValue{"finetuning", "r_drop = -1", "must be at least 0"},
                      BadValue{"finetuning", "smart = -1", "must be at least 0"},
                      BadValue{"finetuning", "smart_radius = 0", "must be above 0"},
                      BadValue{"training", "preset = 'few'", "one of \"none\", \"few_sample\""},
                      BadValue{"finetuning", "average = 2", "must be from 0 to 1"},
                      BadValue{"schedule", "kind = 'linera'",
                               "one of \"linear\", \"cosine\", \"constant\"; did you mean \"linear\"?"},
                      BadValue{"schedule", "warmup = 1.01", "must be from 0 to 1"},
                      BadValue{"schedule", "warmup_steps = -1", "must be at least 0"},
                      BadValue{"evaluation", "every = -1", "must be at least 0"},
                      BadValue{"evaluation", "patience = -1", "must be at least 0"},
                      BadValue{"evaluation", "batch_size = 0", "must be at least 1"},
                      BadValue{"checkpoints", "keep = 0", "must be at least 1"},
                      BadValue{"distributed", "timeout = 0", "must be from 1 to 604800"},
                      BadValue{"tasks.sst2", "split = 1", "must be at least 0 and below 1"},
                      BadValue{"tasks.sst2", "split = -0.1", "must be at least 0 and below 1"},
                      BadValue{"tasks.sst2", "weight = 0", "must be above 0"},
                      BadValue{"mixing", "kind = 'uniforn'", "did you mean \"uniform\"?"},
                      BadValue{"mixing", "step = 'both'", "one of \"one\", \"all\""},
                      BadValue{"mixing", "temperature = 0", "must be above 0"},
                      BadValue{"mixing", "weight_rate = 0", "must be above 0"},
                      BadValue{"mixing", "cosine_every = -1", "must be at least 0"},
                      BadValue{"tasks.sst2", "head_warmup = 2", "must be from 0 to 1"},
                      BadValue{"tasks.sst2", "head_rate = -1", "must be above 0"}));

TEST_F(SuiteTest, RangesOfTheModel) {
  const auto with = [](const std::string& line) {
    return "[model]\npath='m'\n" + line + "\n[tasks.a]\nplugin='p'\ntrain='t'\n";
  };
  EXPECT_EQ(complaint(with("max_length = 2")), "s.toml:3:14: [model]: 'max_length' is 2, but must be at least 3");
  EXPECT_THAT(complaint(with("dropout = 1")), HasSubstr("at least 0 and below 1"));
  EXPECT_THAT(complaint(with("attention_dropout = -0.1")), HasSubstr("at least 0 and below 1"));
  EXPECT_THAT(complaint(with("precision = 'bf16'")), HasSubstr("one of \"float32\", \"float64\""));
}

TEST_F(SuiteTest, WhatIsMissing) {
  EXPECT_EQ(
      complaint("[model]\n[tasks.a]\nplugin='p'\n"),
      "s.toml:1:1: [model]: 'path' is missing; write path = \"FOLDER\", a model folder of the Hugging Face layout");
  EXPECT_EQ(complaint("[model]\npath='m'\n"),
            "s.toml: the suite: 'tasks' is missing; add [tasks.NAME] with plugin and train");
  EXPECT_EQ(complaint("[model]\npath='m'\n[tasks]\n"),
            "s.toml:3:1: the suite has no tasks; add [tasks.NAME] with plugin and train");
  EXPECT_EQ(complaint("[model]\npath='m'\n[tasks.a]\ntrain='t'\n"),
            "s.toml:3:1: [tasks.a]: 'plugin' is missing; write plugin = \"NAME\"; 'berth plugins' lists the names");
  EXPECT_EQ(complaint("[model]\npath='m'\n[tasks.a]\nplugin='p'\n"),
            "s.toml:3:1: [tasks.a]: the task has no file to read; add train = \"FILE\"");
  EXPECT_EQ(complaint(kLeast + "dev = {}\n"), "s.toml:6:7: [tasks.sst2.dev]: 'path' is missing; write path = \"FILE\"");
}

TEST_F(SuiteTest, WhatDoesNotGoTogether) {
  EXPECT_EQ(complaint(kLeast + "dev = 'd'\nsplit = 0.1\n"),
            "s.toml:7:9: [tasks.sst2]: there are both 'dev' and 'split', two ways to get a dev set; take one of them "
            "away");
  EXPECT_EQ(complaint(kLeast + "dev = 'd'\nsplit = 0\n"), "");
  EXPECT_THAT(complaint("[model]\npath='m'\n[tasks.a]\nplugin='p'\nsplit=0.1\nsets.x='x'\n"),
              HasSubstr("'split' needs 'train'"));
  EXPECT_EQ(complaint(kLeast + "sets.train = 'x'\n"),
            "s.toml:6:6: [tasks.sst2.sets]: a set can't be called 'train', which the task has already; give it another "
            "name");
}

TEST_F(SuiteTest, NamesOfTasksAndSets) {
  EXPECT_EQ(complaint(kLeast + "[tasks.\"a b\"]\nplugin='p'\n"),
            "s.toml:6:8: a task can't be called \"a b\"; use only A-Z, a-z, 0-9, '_' and '-', 100 of them at most");
  EXPECT_EQ(complaint(kLeast + "[tasks." + std::string(100, 'a') + "]\n").find("can't be called"), std::string::npos);
  EXPECT_THAT(complaint(kLeast + "[tasks." + std::string(101, 'a') + "]\n"), HasSubstr("can't be called"));
  EXPECT_THAT(complaint(kLeast + "[tasks.\"\"]\n"), HasSubstr("a task can't be called \"\""));
  EXPECT_THAT(complaint(kLeast + "sets.'../x' = 'y'\n"), HasSubstr("a set can't be called \"../x\""));
  EXPECT_THAT(complaint("name = 'a/b'\n" + kLeast), StartsWith("s.toml:1:8: the suite's 'name'"));
  EXPECT_THAT(complaint("name = '..'\n" + kLeast), StartsWith("s.toml:1:8: the suite's 'name'"));
}

TEST_F(SuiteTest, SyntaxErrorsHaveLineAndColumn) {
  EXPECT_THAT(complaint("[model]\npath = \"m\n"), StartsWith("s.toml:2:10: not valid TOML: "));
  EXPECT_THAT(complaint("[model]\npath = 'a'\npath = 'b'\n"), StartsWith("s.toml:3:"));
  EXPECT_THAT(complaint("a = \"\xff\"\n"), HasSubstr("not valid TOML"));
}

TEST_F(SuiteTest, WhatCrashesTheParserIsRefusedBefore) {
  std::string dotted = "a";
  for (int i = 0; i < 200000; ++i) dotted += ".a";
  EXPECT_EQ(complaint("x = 1\n" + dotted + " = 1\n"),
            "s.toml:2:128: a dotted key has more than 64 parts, more than a suite can need; write less");
  EXPECT_THAT(complaint("[" + dotted + "]\n"), HasSubstr("a dotted key has more than 64 parts"));
  EXPECT_THAT(complaint("x = " + std::string(200000, '[')), HasSubstr("nested more than 64 deep"));
  std::string inlined = "1";
  std::string key = "a";
  for (int i = 0; i < 40; ++i) key += ".a";
  for (int i = 0; i < 40; ++i) inlined = "{" + key + " = " + inlined + "}";
  EXPECT_THAT(complaint("x = " + inlined), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(complaint(kLeast + "#" + std::string(5 << 20, 'x')), HasSubstr("larger than 4194304 bytes"));
  std::string raw = "1";
  for (int i = 0; i < 20; ++i) raw = "[" + raw + "]";
  EXPECT_THAT(complaint(kLeast + "options.x = " + raw + "\n"), HasSubstr("nested more than 16 deep"));
}

TEST_F(SuiteTest, DotsAndBracketsInStringsAndCommentsAreNothing) {
  const std::string many(300, '.');
  const std::string open(300, '[');
  std::string numbers = "[";
  for (int i = 0; i < 300; ++i) numbers += "0.5, ";
  EXPECT_EQ(complaint(kLeast + "# " + many + open + "\noptions.a = \"\\\"" + many + open + "\"\noptions.b = '" + many +
                      "\\'\noptions.c = \"\"\"\n" + many + "\"\"" + open + "\"\"\"\"\noptions.d = '''" + open +
                      "'''\noptions.e = " + numbers + "]\n"),
            "");
}

}  // namespace
}  // namespace berth::suite

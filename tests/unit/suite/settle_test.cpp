// Keys of a suite that must fit together.
#include <gmock/gmock.h>

#include "suite_fixture.h"

namespace berth::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kTwo = kLeast + "dev = \"dev.tsv\"\n[tasks.squad]\nplugin = \"qa\"\ntrain = \"t.json\"\n";  // 9 lines

TEST_F(SuiteTest, MixingIsReadAndWritten) {
  const auto suite = read(kTwo + R"(head_warmup = 0.25
[evaluation]
select_by = "sst2"
[mixing]
kind = "phases"
weights = "uncertainty"
weight_rate = 0.01
cosine_every = 7
phases = [{ steps = 100, shares = { sst2 = 1 } }, { shares = { sst2 = 0.5, squad = 2 } }]
)");
  EXPECT_EQ(suite.tasks[1].head_warmup, 0.25);
  for (const auto& s : {suite, read(to_toml(suite))}) {
    EXPECT_EQ(s.tasks[1].head_warmup, 0.25);
    EXPECT_EQ(s.evaluation.select_by, "sst2");
    EXPECT_EQ(s.mixing.kind, MixingKind::kPhases);
    EXPECT_EQ(s.mixing.step, StepKind::kOneTask);
    EXPECT_EQ(s.mixing.weights, WeightKind::kUncertainty);
    EXPECT_EQ(s.mixing.weight_rate, 0.01);
    EXPECT_EQ(s.mixing.cosine_every, 7);
    ASSERT_EQ(s.mixing.phases.size(), 2U);
    EXPECT_EQ(s.mixing.phases[0].steps, 100);
    EXPECT_EQ(s.mixing.phases[1].steps, 0);
    EXPECT_EQ(s.mixing.phases[1].shares, (std::map<std::string, double>{{"sst2", 0.5}, {"squad", 2}}));
  }
}

TEST_F(SuiteTest, TemperatureIsReadAndWritten) {
  const auto suite = read(to_toml(read(kTwo + "[mixing]\nkind='temperature'\ntemperature=1\nfinal_temperature=5\n")));
  EXPECT_EQ(suite.mixing.kind, MixingKind::kTemperature);
  EXPECT_EQ(suite.mixing.temperature, 1);
  EXPECT_EQ(suite.mixing.final_temperature, 5);
}

TEST_F(SuiteTest, WaysOfFineTuningThatContradictEachOther) {
  const auto with = [&](const std::string& lines) { return complaint(kLeast + lines); };
  EXPECT_THAT(with("[optimizer]\ntrain_only = ['biases']\n[finetuning]\nmethod = 'study'\n"),
              HasSubstr("s.toml:7:15: [optimizer]: 'train_only' and [finetuning] 'method' both say what learns"));
  EXPECT_THAT(with("[finetuning]\nmethod = 'lora'\nlora_targets = []\n"), HasSubstr("nothing of the encoder learns"));
  EXPECT_THAT(with("[finetuning]\nsmart_radius = 0.5\n"),
              HasSubstr("s.toml:7:16: [finetuning]: 'smart_radius' counts only where 'smart' is above 0"));
  EXPECT_THAT(with("[finetuning]\nmethod = 'lora'\nmixout = 0.5\n"),
              HasSubstr("s.toml:8:10: [finetuning]: 'mixout' can't be used with method = \"lora\""));
  const std::vector<std::pair<std::string, std::vector<std::string>>> clashes = {
      {"gradual_unfreezing = 0.5", {"heads", "lora", "adapters"}},
      {"mixout = 0.5", {"heads", "biases", "lora", "adapters"}},
      {"adversarial = 0.5", {"heads", "top", "biases", "lora", "adapters"}},
      {"reinitialize_layers = 1", {"study", "heads", "biases", "lora", "adapters"}}};
  for (const auto& [line, methods] : clashes) {
    for (const std::string method : {"full", "study", "heads", "top", "biases", "lora", "adapters"}) {
      const auto text = kLeast + "[finetuning]\nmethod = '" + method + "'\n" + line + "\n";
      if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
        EXPECT_NO_THROW(read(text)) << text;
      } else {
        EXPECT_THAT(complaint(text), HasSubstr("can't be used with method = \"" + method + "\"")) << text;
      }
    }
  }
}

TEST_F(SuiteTest, APresetGivesDefaultsAndNoMore) {
  const auto plain = read(kLeast);
  EXPECT_EQ(plain.training.epochs, 3);
  EXPECT_EQ(plain.training.batch_size, 32);
  const auto few = read(kLeast + "[training]\npreset = 'few_sample'\n");
  EXPECT_EQ(few.training.epochs, 20);
  EXPECT_EQ(few.training.batch_size, 16);
  EXPECT_EQ(few.name, plain.name);
  const auto own = read(kLeast + "[training]\nbatch_size = 8\npreset = 'few_sample'\n");
  EXPECT_EQ(own.training.epochs, 20);
  EXPECT_EQ(own.training.batch_size, 8);
  const auto again = read(to_toml(own));
  EXPECT_EQ(again.training.preset, Preset::kFewSample);
  EXPECT_EQ(again.training.epochs, 20);
  EXPECT_EQ(again.training.batch_size, 8);
}

TEST_F(SuiteTest, SurgeryIsOneLine) {
  const auto suite = read(kTwo + "[mixing]\nsurgery = true\n");
  EXPECT_TRUE(suite.mixing.surgery);
  EXPECT_EQ(suite.mixing.step, StepKind::kAllTasks);
  EXPECT_EQ(read(to_toml(suite)).mixing.step, StepKind::kAllTasks);
  EXPECT_THAT(complaint(kTwo + "[mixing]\nsurgery = true\nstep = 'one'\n"),
              HasSubstr("s.toml:12:8: [mixing]: gradient surgery needs the gradients of all tasks in one step"));
}

TEST_F(SuiteTest, KeysOfMixingThatContradictEachOther) {
  const auto with = [&](const std::string& lines) { return complaint(kTwo + "[mixing]\n" + lines); };
  EXPECT_THAT(with("kind = 'uniform'\nstep = 'all'\n"), StartsWith("s.toml:11:8: [mixing]: 'kind' says which task"));
  EXPECT_THAT(with("kind = 'uniform'\nfinal_temperature = 2\n"), HasSubstr("only where kind = \"temperature\""));
  EXPECT_THAT(with("temperature = 5\n"), StartsWith("s.toml:11:15: [mixing]: a temperature counts only where"));
  EXPECT_THAT(with("kind = 'sequential'\n[evaluation]\npatience = 2\n"), HasSubstr("'patience' would end the run"));
  EXPECT_THAT(with("kind = 'phases'\n"), HasSubstr("kind = \"phases\" needs them"));
  EXPECT_THAT(with("phases = [{ shares = { sst2 = 1 } }]\n"), HasSubstr("counts only where kind = \"phases\""));
}

TEST_F(SuiteTest, PhasesThatCannotBePlayed) {
  const auto with = [&](const std::string& phases) {
    return complaint(kTwo + "[mixing]\nkind = 'phases'\nphases = [" + phases + "]\n");
  };
  EXPECT_EQ(
      with("{ shares = { sqaud = 1 } }"),
      "s.toml:12:11: [mixing]: phase 1 names 'sqaud', which is no task (did you mean 'squad'?); the tasks are sst2, "
      "squad");
  EXPECT_THAT(complaint(kTwo + "[mixing]\nphases = 3\n"), HasSubstr("must be a list of tables, but is an integer"));
  EXPECT_THAT(with("{ shares = { squad = 0 } }"), HasSubstr("the shares of phase 1 are all 0"));
  EXPECT_THAT(with("{ shares = { squad = -1 } }"), HasSubstr("must be at least 0"));
  EXPECT_THAT(with("{ steps = 3 }"), HasSubstr("shares"));
  EXPECT_THAT(with("{ shares = { squad = 1 } }, { steps = 1, shares = { sst2 = 1 } }"), HasSubstr("would never come"));
}

TEST_F(SuiteTest, WhatTheBestIsChosenByMustBeThere) {
  EXPECT_EQ(complaint(kTwo + "[evaluation]\nselect_by = 'sst'\n"),
            "s.toml:11:13: [evaluation]: 'select_by' is 'sst'; expected \"mean\", \"each\" or a task (did you mean "
            "'sst2'?); the tasks are sst2, squad");
  EXPECT_THAT(complaint(kTwo + "[evaluation]\nselect_by = 'squad'\n"), HasSubstr("that task has no dev set"));
  EXPECT_EQ(complaint(kTwo + "[evaluation]\nselect_by = 'each'\n"), "");
}

TEST_F(SuiteTest, DebiasIsReadAndWritten) {
  const auto suite = read(kLeast + R"([tasks.sst2.debias]
method = "confidence_regularization"
bias = "second_text"
folds = 3
teacher = "runs/plain"
group = "negation"
by_label = false
)");
  for (const auto& s : {suite, read(to_toml(suite))}) {
    const auto& c = s.tasks[0].debias;
    EXPECT_EQ(c.method, DebiasMethod::kConfidenceRegularization);
    EXPECT_EQ(c.bias, BiasKind::kSecondText);
    EXPECT_EQ(c.folds, 3);
    EXPECT_TRUE(c.teacher.is_absolute());
    EXPECT_EQ(c.teacher, suite.tasks[0].debias.teacher);
    EXPECT_EQ(c.group, "negation");
    EXPECT_FALSE(c.by_label);
    EXPECT_TRUE(c.has_bias());
  }
  EXPECT_EQ(read(kLeast).tasks[0].debias.method, DebiasMethod::kNone);
  EXPECT_THAT(to_toml(read(kLeast)), ::testing::Not(HasSubstr("teacher")));
}

TEST_F(SuiteTest, DebiasThatCanNotBeIsRefused) {
  const std::string debias = kLeast + "[tasks.sst2.debias]\n";
  const auto refused = [&](const std::string& text, const std::string& says) {
    try {
      read(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kConfig);
      EXPECT_THAT(error.what(), HasSubstr(says));
      EXPECT_THAT(error.what(), HasSubstr("[tasks.sst2.debias]"));
    }
  };
  refused(debias + "method = \"confidence_regularization\"\n", "write teacher");
  refused(debias + "teacher = \"runs/plain\"\n", "'teacher' counts only");
  refused(debias + "method = \"group_dro\"\nby_label = false\n", "one group");
  refused(debias + "method = \"balanced\"\n[training]\nshuffle = false\n", "training.shuffle");
  refused(debias + "method = \"experts\"\n", "product_of_experts");
  refused(debias + "folds = 1\n", "folds");
}

TEST_F(SuiteTest, AStreamedTrainingSetIsReadAndWritten) {
  const auto suite = read(kLeast + "stream = true\nshuffle_buffer = 7\n[training]\nsteps = 9\n");
  for (const auto& s : {suite, read(to_toml(suite))}) {
    EXPECT_TRUE(s.tasks[0].stream);
    EXPECT_EQ(s.tasks[0].shuffle_buffer, 7);
  }
  EXPECT_FALSE(read(kLeast).tasks[0].stream);
  EXPECT_EQ(read(kLeast).tasks[0].shuffle_buffer, 10000);
  EXPECT_THAT(complaint(kLeast + "shuffle_buffer = 0\n"), HasSubstr("'shuffle_buffer' is 0, but must be at least 1"));
}

TEST_F(SuiteTest, WhatNeedsAWholeTrainingSetCanNotBeStreamed) {
  const std::string streamed = kLeast + "stream = true\n";
  const std::string steps = "[training]\nsteps = 9\n";
  EXPECT_EQ(complaint(streamed + steps), "");
  EXPECT_EQ(complaint(streamed + "debias.group = 'negation'\n" + steps), "") << "which is for evaluation";
  EXPECT_THAT(
      complaint(streamed + "[training]\nepochs = 2\n"),
      StartsWith("s.toml:6:10: [tasks.sst2]: nobody knows how many steps an epoch of a streamed training set has"));
  EXPECT_THAT(complaint(streamed), HasSubstr("write training.steps = N"));
  EXPECT_THAT(complaint(streamed + "split = 0.1\n" + steps), HasSubstr("give dev = \"FILE\" in place of 'split'"));
  EXPECT_THAT(complaint(streamed + "debias.method = 'balanced'\n" + steps),
              StartsWith("s.toml:7:17: [tasks.sst2]: a method against bias looks at the whole training set first"));
  EXPECT_THAT(complaint("[model]\npath='m'\n[tasks.a]\nplugin='p'\ndev='d'\nstream=true\n" + steps),
              HasSubstr("[tasks.a]: 'stream' is about the training set, but there is none"));
  EXPECT_THAT(complaint("[model]\npath='m'\n[tasks.a]\nplugin='p'\ntrain='-'\nstream=true\n" + steps),
              HasSubstr("standard input can be read once"));
}

TEST_F(SuiteTest, StreamedTasksAreMixedWithoutTheirSizes) {
  const std::string two = kTwo + "stream = true\n[training]\nsteps = 9\n";
  const std::string says = "nobody knows that of a streamed one; write mixing.kind = \"uniform\"";
  EXPECT_THAT(complaint(two), StartsWith("s.toml:10:10: [tasks.squad]: "));
  EXPECT_THAT(complaint(two), HasSubstr(says));
  for (const std::string kind : {"proportional", "temperature", "sequential"}) {
    EXPECT_THAT(complaint(two + "[mixing]\nkind = '" + kind + "'\n"), HasSubstr(says)) << kind;
    EXPECT_EQ(complaint(kLeast + "stream = true\n[training]\nsteps = 9\n[mixing]\nkind = '" + kind + "'\n"), "")
        << kind;
  }
  for (const std::string mixing : {"kind = 'uniform'", "kind = 'round_robin'", "step = 'all'", "surgery = true",
                                   "kind = 'phases'\nphases = [{ shares = { sst2 = 1, squad = 1 } }]"}) {
    EXPECT_EQ(complaint(two + "[mixing]\n" + mixing + "\n"), "") << mixing;
  }
}

}  // namespace
}  // namespace berth::suite

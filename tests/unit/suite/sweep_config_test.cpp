#include "core/suite/sweep_config.h"

#include <gmock/gmock.h>

#include "suite_fixture.h"

namespace berth::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SweepConfigTest : public SuiteTest {
 protected:
  SweepConfig sweep(const std::string& text, const std::vector<std::string>& sets = {}) const {
    return read_sweep(write(kLeast + text), sets);
  }
};

TEST_F(SweepConfigTest, SettingsKeepTheirOrderAndVariantsComeLast) {
  const auto config = sweep(
      "[sweep]\nseeds = [1, 2]\n[sweep.variants]\nplain = {}\n"
      "steady = { \"training.epochs\" = 20, schedule.warmup = 0.2 }\n"
      "[sweep.over]\n\"optimizer.rate\" = [1e-5, 2e-5]\nfinetuning.method = ['full', 'lora']\n"
      "\"optimizer.weight_decay\" = { from = 1e-3, to = 0.1, scale = 'log', count = 3 }\n");
  EXPECT_EQ(config.search, Search::kGrid);
  EXPECT_THAT(config.seeds, ElementsAre(1, 2));
  ASSERT_EQ(config.settings.size(), 4U);
  EXPECT_EQ(config.settings[0].name, "optimizer.rate");
  EXPECT_THAT(config.settings[0].choices[1].sets, ElementsAre("optimizer.rate=2e-05"));
  EXPECT_EQ(config.settings[0].choices[1].number, 2e-5);
  EXPECT_EQ(config.settings[1].name, "finetuning.method");
  EXPECT_EQ(config.settings[1].choices[1].text, "lora");
  EXPECT_EQ(config.settings[2].range->scale, SweepScale::kLog);
  EXPECT_EQ(config.settings[3].name, "variant");
  EXPECT_TRUE(config.settings[3].choices[0].sets.empty());
  EXPECT_THAT(config.settings[3].choices[1].sets, ElementsAre("training.epochs=20", "schedule.warmup=0.2"));
}

TEST_F(SweepConfigTest, TheCommandLineChangesIt) {
  const auto text = "[sweep.over]\n\"optimizer.rate\" = { from = 1e-5, to = 1e-4, scale = 'log' }\n";
  const auto config = sweep(text, {"sweep.search=random", "sweep.trials=3", "sweep.seeds=[5]"});
  EXPECT_EQ(config.search, Search::kRandom);
  EXPECT_EQ(config.trials, 3);
  EXPECT_THAT(config.seeds, ElementsAre(5));
}

TEST_F(SweepConfigTest, IsNoPartOfTheSuiteAsWritten) {
  const auto suite = read(kLeast + "[sweep.over]\n\"optimizer.rate\" = [1e-5]\n");
  EXPECT_THAT(to_toml(suite), ::testing::Not(HasSubstr("sweep")));
}

TEST_F(SweepConfigTest, EveryCommandRefusesWhatIsWrongWithIt) {
  EXPECT_EQ(complaint(kLeast + "[sweep]\nserach = 'grid'\n"),
            "s.toml:7:1: [sweep]: there is no key 'serach'; did you mean 'search'?");
  EXPECT_THAT(complaint(kLeast + "[sweep]\nsearch = 'gird'\n"), HasSubstr("s.toml:7:10: [sweep]: 'search'"));
  EXPECT_EQ(complaint(kLeast + "[sweep.over]\n\"optimizer.rat\" = [1]\n"),
            "s.toml:7:1: [sweep], optimizer.rat=1: [optimizer]: there is no key 'rat'; did you mean 'rate'?");
  EXPECT_EQ(complaint(kLeast + "[sweep.over]\n\"optimizer.rate\" = [1e-5, -1]\n"),
            "s.toml:7:1: [sweep], optimizer.rate=-1: [optimizer]: 'rate' is -1, but must be above 0");
  EXPECT_THAT(complaint(kLeast + "[sweep.over]\n\"optimizer.rate\" = 1e-5\n"), HasSubstr("must be a list of values"));
  EXPECT_THAT(complaint(kLeast + "[sweep.over]\n\"optimizer.rate\" = []\n"), HasSubstr("has no value to try"));
  EXPECT_THAT(complaint(kLeast + "[sweep.over]\n\"optimizer.rate\" = { from = 1, to = 0.5, count = 2 }\n"),
              HasSubstr("'to' must be above 'from'"));
  EXPECT_THAT(complaint(kLeast + "[sweep.over]\n\"optimizer.rate\" = { from = 1e-5, to = 1e-4 }\n"),
              HasSubstr("a grid can't have all of a range"));
  EXPECT_THAT(
      complaint(kLeast + "[sweep.over]\n\"schedule.warmup\" = { from = 0, to = 1, scale = 'log', count = 2 }\n"),
      HasSubstr("'from' above 0"));
  EXPECT_THAT(complaint(kLeast + "[sweep.over]\n\"training.seed\" = [1, 2]\n"), HasSubstr("seeds = [1, 2, 3]"));
  EXPECT_THAT(complaint(kLeast + "[sweep]\nseeds = [1, 1]\n"), HasSubstr("has 1 twice"));
  EXPECT_THAT(complaint(kLeast + "[sweep]\nseeds = [1, -1]\n"), HasSubstr("at least 0"));
  EXPECT_THAT(complaint(kLeast + "[sweep]\ntrials = 4\n"), HasSubstr("nothing to try"));
  EXPECT_THAT(complaint(kLeast + "[sweep.over]\noptimizer.rate = [1e-5]\n\"optimizer.rate\" = [2e-5]\n"),
              HasSubstr("there twice"));
  EXPECT_THAT(complaint(kLeast + "[sweep.variants]\na = { training.epoch = 3 }\n"),
              HasSubstr("did you mean 'epochs'?"));
}

TEST_F(SweepConfigTest, ASuiteWithoutItHasNothingToSweep) {
  try {
    sweep("");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kConfig);
    EXPECT_THAT(e.what(), HasSubstr("[sweep.over]"));
  }
}

}  // namespace
}  // namespace berth::suite

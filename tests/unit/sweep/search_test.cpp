#include "core/sweep/search.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <map>

#include "../checkpoint/temporary_folder.h"
#include "core/sweep/sweep_report.h"

namespace berth::sweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A sweep over optimizer.rate whose runs write their summaries at once: dev scores as `score` says.
class SearchTest : public ::testing::Test {
 protected:
  static Space space(std::size_t count) {
    Space space;
    suite::SweepSetting rate{"optimizer.rate", {}, std::nullopt, {}};
    for (std::size_t i = 1; i <= count; ++i) {
      const auto text = std::to_string(i);
      rate.choices.push_back({text, static_cast<double>(i), {"optimizer.rate=" + text}});
      space.points.push_back({rate.choices.back()});
      suite::Suite suite;
      suite.name = "s";
      suite.optimizer.rate = static_cast<double>(i);
      suite.training.epochs = 9;
      suite.tasks.push_back({});
      suite.tasks.back().name = "mood";
      space.suites.push_back(suite);
    }
    space.config.settings = {rate};
    return space;
  }

  // What the run's own process would write.
  void write_summary(const Trial& trial, const std::string& task) const {
    const TrialFolder folder(folder_.path(), trial.id);
    std::filesystem::create_directories(folder.run() / "checkpoints");
    std::ofstream(folder.run() / "summary.json")
        << R"({"ending": "completed", "training_seconds": 1, "tasks": {"mood": )" << task << "}}";
  }

  static std::string task(double score, const std::string& more = "") {
    return R"({"primary": "accuracy", )" + more + R"("sets": {"dev": {"accuracy": )" + std::to_string(score) + "}}}";
  }

  // Runs the search to its end, one run at a time; gives "rate*share" of each.
  std::vector<std::string> run_all(Search& search) const {
    std::vector<std::string> started;
    while (const auto trial = search.next()) {
      const auto& training = trial->suite.training;
      started.push_back(fmt::format("{:.0f}*{:.0f}/{}", trial->suite.optimizer.rate, training.epochs, training.seed));
      write_summary(*trial, task(1 - trial->suite.optimizer.rate / 100));
      search.ended(*trial, {});
    }
    return started;
  }

  bool has_checkpoints(const sweep::Run& run) const {
    return std::filesystem::exists(TrialFolder(folder_.path(), run.trial.id).run() / "checkpoints");
  }

  testing::TemporaryFolder folder_;
  const std::function<void(const sweep::Run&, const Ending&)> told_ = [](const sweep::Run&, const Ending&) {};
};

TEST_F(SearchTest, AGridTrainsEveryPointWithEverySeed) {
  auto grid = space(2);
  grid.config.seeds = {7, 8};
  Search search(grid, folder_.path(), told_);
  EXPECT_THAT(run_all(search), ElementsAre("1*9/7", "1*9/8", "2*9/7", "2*9/8"));
  EXPECT_EQ(search.best()->point, 0U);
  int kept = 0;
  for (const auto& run : search.runs()) kept += has_checkpoints(run) ? 1 : 0;
  EXPECT_EQ(kept, 1);
  EXPECT_TRUE(has_checkpoints(*search.best()));
}

TEST_F(SearchTest, HalvingPromotesTheBestThirdOfEachRung) {
  auto nine = space(9);
  nine.config.search = suite::Search::kHalving;
  nine.config.seeds = {1};
  Search search(nine, folder_.path(), told_);
  // As soon as three have run, the best of them goes on.
  EXPECT_THAT(run_all(search), ElementsAre("1*1/1", "2*1/1", "3*1/1", "1*3/1", "4*1/1", "5*1/1", "6*1/1", "2*3/1",
                                           "7*1/1", "8*1/1", "9*1/1", "3*3/1", "1*9/1"));
  EXPECT_EQ(search.best()->rung, 2U);
  EXPECT_EQ(search.best()->trial.suite.optimizer.rate, 1);
}

TEST_F(SearchTest, HalvingNeverPromotesARunWithoutAScore) {
  auto three = space(3);
  three.config.search = suite::Search::kHalving;
  three.config.rungs = 2;
  three.config.seeds = {1};
  Search search(three, folder_.path(), told_);
  int started = 0;
  while (const auto trial = search.next()) {
    ++started;
    search.ended(*trial, {5, "the loss is not finite", false});
  }
  EXPECT_EQ(started, 3);
  EXPECT_EQ(search.best(), nullptr);
  EXPECT_THAT(search.runs()[0].outcome.failure, HasSubstr("exit code 5: the loss is not finite"));
  const auto report = report_on(search);
  EXPECT_EQ(report.rows.size(), 3U);
  EXPECT_THAT(to_json(report, search), HasSubstr("\"best\": null"));
  EXPECT_THAT(to_svg(report, search), HasSubstr("no scores"));
}

TEST_F(SearchTest, NothingMoreIsGivenWhileARungIsFull) {
  auto three = space(3);
  three.config.search = suite::Search::kHalving;
  three.config.rungs = 2;
  three.config.seeds = {1};
  Search search(three, folder_.path(), told_);
  std::vector<Trial> trials;
  while (auto trial = search.next()) trials.push_back(*trial);
  EXPECT_EQ(trials.size(), 3U);
  for (const auto& trial : trials) {
    write_summary(trial, task(trial.suite.optimizer.rate));
    search.ended(trial, {});
  }
  EXPECT_TRUE(search.next());
  EXPECT_FALSE(search.next());
}

TEST_F(SearchTest, ARunThatLearnedNothingHasFailed) {
  auto four = space(4);
  four.config.seeds = {1};
  Search search(four, folder_.path(), told_);
  const std::vector<std::string> tasks = {task(0.5, R"x("failure": "no better than the majority (0.5000)", )x"),
                                          task(0.6, R"x("failure": "no better than before training (0.6000)", )x"),
                                          task(0.7, R"("majority": 0.5, "before": 0.6, )"),
                                          R"({"primary": "pearson", "sets": {"dev": {"pearson": null}}})"};
  for (const auto& text : tasks) {
    const auto trial = search.next();
    write_summary(*trial, text);
    search.ended(*trial, {});
  }
  EXPECT_EQ(search.runs()[0].outcome.failure, "mood: no better than the majority (0.5000)");
  EXPECT_EQ(search.runs()[1].outcome.failure, "mood: no better than before training (0.6000)");
  EXPECT_EQ(search.runs()[2].outcome.failure, "");
  EXPECT_EQ(search.runs()[3].outcome.failure, "mood: pearson on dev is not a number");
  const auto text = to_text(report_on(search), search);
  EXPECT_THAT(text, HasSubstr("optimizer.rate=1: mood: no better than the majority (0.5000)"));
  EXPECT_THAT(text, Not(HasSubstr("optimizer.rate=3:")));
}

TEST_F(SearchTest, TheReportRanksAndTests) {
  auto two = space(2);
  two.config.seeds = {1, 2, 3};
  Search search(two, folder_.path(), told_);
  const std::map<std::pair<double, std::int64_t>, double> scores = {{{1, 1}, 0.80}, {{1, 2}, 0.81}, {{1, 3}, 0.82},
                                                                    {{2, 1}, 0.90}, {{2, 2}, 0.60}, {{2, 3}, 0.30}};
  while (const auto trial = search.next()) {
    write_summary(*trial, task(scores.at({trial->suite.optimizer.rate, trial->suite.training.seed})));
    search.ended(*trial, {});
  }
  const auto report = report_on(search);
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_EQ(report.rows[0].point, 0U);
  EXPECT_NEAR(report.rows[0].mean, 0.81, 1e-9);
  EXPECT_NEAR(report.rows[0].deviation, 0.01, 1e-9);
  EXPECT_NEAR(report.rows[0].interval.high, 0.81 + 4.302653 * 0.01 / std::sqrt(3), 1e-6);
  ASSERT_EQ(report.importance.size(), 2U);
  EXPECT_EQ(report.importance[0].setting, "training.seed");
  EXPECT_NEAR(report.importance[0].effect.eta_squared, 0.3414, 1e-3);
  EXPECT_EQ(report.levene.statistic, statistics::levene({{0.80, 0.81, 0.82}, {0.90, 0.60, 0.30}}).statistic);
  EXPECT_THAT(to_text(report, search), HasSubstr("Levene"));
  EXPECT_THAT(to_csv(search), HasSubstr("\n2,3,1,0.3,"));
}

TEST_F(SearchTest, PointsThatComeOutTheSameAreOne) {
  auto twice = space(1);
  twice.points.push_back(twice.points[0]);
  twice.suites.push_back(twice.suites[0]);
  Search search(twice, folder_.path(), told_);
  EXPECT_EQ(run_all(search).size(), 1U);
}

TEST_F(SearchTest, TheIdIsThatOfTheSettingsAlone) {
  suite::Suite suite;
  const auto id = make_trial(suite, "a").id;
  suite.training.threads = 2;
  EXPECT_EQ(make_trial(suite, "b").id, id);
  suite.training.seed = 1;
  EXPECT_NE(make_trial(suite, "a").id, id);
}

TEST_F(SearchTest, OnlyAnEndedRunIsFinished) {
  const TrialFolder folder(folder_.path(), "x");
  EXPECT_FALSE(folder.is_finished());
  std::filesystem::create_directories(folder.run());
  for (const auto* text : {"", "{", R"({"ending": "interrupted"})", R"({"ending": "failed"})"}) {
    std::ofstream(folder.run() / "summary.json") << text;
    EXPECT_FALSE(folder.is_finished()) << text;
  }
  std::ofstream(folder.run() / "summary.json") << R"({"ending": "stopped early"})";
  EXPECT_TRUE(folder.is_finished());
}

}  // namespace
}  // namespace berth::sweep

// How answers are shown: by the task's own ability, and without it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/plugin/loaded_task.h"
#include "core/plugin/plain_display.h"
#include "core/report/shown_answers.h"
#include "plugin_files.h"

namespace berth::plugin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Row : Example {
  std::string json() const override { return R"({"text": "Lovely.", "stars": 5})"; }
};

struct Said : Prediction {
  std::string json() const override { return R"({"prediction": "praise"})"; }
};

LoadedTask task(const std::filesystem::path& folder, const std::string& plugin) {
  suite::TaskConfig config;
  config.name = "mood";
  config.plugin = plugin;
  return {Registry({folder}), config};
}

TEST(Display, IsTheTasksOwn) {
  const auto showing = task(BERTH_BUILD "/tests/plugins-showing", "shows");
  Row row;
  row.where = {"dev.tsv", 3, 0};
  EXPECT_EQ(showing.show(row, Said()).answer, R"(the plugin's: {"prediction": "praise"} of line 3)");
}

TEST(Display, FailuresAreThePlugins) {
  const auto showing = task(BERTH_BUILD "/tests/plugins-showing", "shows");
  try {
    showing.show(Row(), Said());
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kPlugin);
    EXPECT_THAT(error.what(), HasSubstr("task 'mood' (plugin shows), show: the example has no line"));
  }
}

// It costs the set its answers for people, and the run nothing.
TEST(Display, FailuresAreToldAndLeaveNoFile) {
  const auto showing = task(BERTH_BUILD "/tests/plugins-showing", "shows");
  const TemporaryFolder folder;
  const auto file = folder.path() / "shown.json";
  Row row;
  row.where = {"dev.tsv", 3, 0};
  report::TaskAnswers failing(showing);
  failing.add(row, Said());
  failing.add(Row(), Said());  // which has no line
  failing.add(row, Said());
  EXPECT_THAT(failing.write(file), HasSubstr("show: the example has no line"));
  EXPECT_FALSE(std::filesystem::exists(file));
  report::TaskAnswers good(showing);
  good.add(row, Said());
  EXPECT_EQ(good.write(file), "");
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST(Display, WithoutTheAbilityAnswersAreShownAsTheirJson) {
  const auto shown = task(loadable_folder(), "good").show(Row(), Said());
  ASSERT_EQ(shown.texts.size(), 2U);
  EXPECT_EQ(shown.texts[0].title, "text");
  EXPECT_EQ(shown.texts[0].text, "Lovely.");
  EXPECT_EQ(shown.texts[1].text, "5");
  EXPECT_EQ(shown.answer, "praise");
  EXPECT_EQ(shown.truth, "");
  EXPECT_EQ(shown.error, 0);
  EXPECT_THAT(shown.decisions, IsEmpty());
}

TEST(PlainDisplay, ASingleLabelIsHeldAgainstTheAnswer) {
  const auto wrong =
      show_plainly({R"({"text": "Oh no", "label": "complaint"})", R"({"prediction":"praise"})", "complaint"});
  ASSERT_EQ(wrong.texts.size(), 1U) << "the label is no text";
  EXPECT_EQ(wrong.truth, "complaint");
  EXPECT_EQ(wrong.error, 1);
  EXPECT_EQ(wrong.reason, "got 'praise'; 'complaint' is right");
  ASSERT_EQ(wrong.decisions.size(), 1U);
  EXPECT_EQ(wrong.decisions[0].truth, "complaint");
  EXPECT_EQ(wrong.decisions[0].answer, "praise");
  const auto right = show_plainly({"{}", R"({"prediction":"praise"})", "praise"});
  EXPECT_EQ(right.error, 0);
  EXPECT_TRUE(right.decisions.at(0).is_right);
}

TEST(PlainDisplay, OtherAnswersAreNotJudged) {
  for (const auto* prediction : {R"({"prediction":["a"]})", R"({"prediction":3.5})", R"({"prediction":""})", "{}"}) {
    const auto shown = show_plainly({"{}", prediction, "a"});
    EXPECT_EQ(shown.error, 0) << prediction;
    EXPECT_EQ(shown.truth, "a");
    EXPECT_THAT(shown.decisions, IsEmpty()) << prediction;
  }
  const auto several = show_plainly({"{}", R"({"prediction":"a"})", "person\nplace\n"});
  EXPECT_EQ(several.truth, "person, place");
  EXPECT_EQ(several.error, 0);
}

TEST(PlainDisplay, WhatIsNoObjectIsShownAsItIs) {
  const auto shown = show_plainly({"[1", "oops", ""});
  EXPECT_EQ(shown.texts.at(0).text, "[1");
  EXPECT_EQ(shown.answer, "oops");
  EXPECT_EQ(show_plainly({"{}", R"({"prediction": {"a": [1, 2]}})", ""}).answer, R"({"a":[1,2]})");
}

}  // namespace
}  // namespace berth::plugin

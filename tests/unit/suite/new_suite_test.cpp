// The suite that `berth init` writes reads back as what was meant.
#include "core/suite/new_suite.h"

#include <gmock/gmock.h>
#include <unistd.h>
#include <string>

#include <filesystem>
#include <fstream>

#include "core/suite/suite.h"

namespace berth::suite {
namespace {

using testing::HasSubstr;

class NewSuiteText : public testing::Test {
 protected:
  NewSuiteText()
      : folder_(std::filesystem::path(testing::TempDir()) / ("berth_new_suite-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    suite_.made_of = "berth init a.csv";
    suite_.task = "mails";
    suite_.plugin = "classification";
    suite_.model = folder_ / "models/tiny";
    suite_.train = folder_ / "a.csv";
    suite_.facts.examples = 1000;
  }
  ~NewSuiteText() override { std::filesystem::remove_all(folder_); }

  Suite read() const {
    const auto file = folder_ / "mails.toml";
    std::ofstream(file) << new_suite_text(suite_, file);
    return read_suite(file, {});
  }

  std::filesystem::path folder_;
  NewSuite suite_;
};

TEST_F(NewSuiteText, ReadsBack) {
  suite_.test = folder_ / "deep/test.csv";
  suite_.data = {{"text", "\"te\\\"xt\"", "the column # that\nholds = [the text"}, {"label", "\"label\"", ""}};
  suite_.options = {{"kind", "\"regression\"", "what"}};
  const auto suite = read();
  ASSERT_EQ(suite.tasks.size(), 1U);
  const auto& task = suite.tasks.front();
  EXPECT_EQ(task.name, "mails");
  EXPECT_EQ(task.plugin, "classification");
  EXPECT_EQ(task.train->path, folder_ / "a.csv");
  EXPECT_EQ(task.sets.front().path, folder_ / "deep/test.csv");
  EXPECT_FALSE(task.dev);
  EXPECT_GT(task.split, 0);
  EXPECT_EQ(suite.model.path, folder_ / "models/tiny");
  ASSERT_EQ(task.data.entries.size(), 2U);
  EXPECT_EQ(std::get<std::string>(task.data.entries[0].value.value), "te\"xt");
  EXPECT_EQ(std::get<std::string>(task.options.entries[0].value.value), "regression");
}

TEST_F(NewSuiteText, ChoosesNumbersByTheData) {
  suite_.facts.usual_length = 51;
  const auto few = read();
  EXPECT_EQ(few.model.max_length, 64);
  EXPECT_EQ(few.optimizer.rate, 2e-5);
  suite_.facts = {100000, 900, 64, 384, false};
  const auto many = read();
  EXPECT_LT(many.training.epochs, few.training.epochs);
  EXPECT_GT(many.training.batch_size, few.training.batch_size);
  EXPECT_EQ(many.model.max_length, 64) << "no more than the encoder has positions for";
  EXPECT_EQ(many.optimizer.rate, 5e-5);
  EXPECT_FALSE(many.tasks.front().head_rate);
  suite_.facts.has_large_head = true;
  EXPECT_EQ(read().tasks.front().head_rate, 1e-3);
}

TEST_F(NewSuiteText, WritesPathsThatCanMoveTogether) {
  suite_.train = folder_ / "sub/a.csv";
  suite_.dev = "/far/away/from/here/b.csv";
  const auto text = new_suite_text(suite_, folder_ / "suites/mails.toml");
  EXPECT_THAT(text, HasSubstr("train = \"../sub/a.csv\""));
  EXPECT_THAT(text, HasSubstr("dev = \"/far/away/from/here/b.csv\""));
}

TEST_F(NewSuiteText, SaysWhatToDoWithoutAModel) {
  suite_.model.clear();
  const auto text = new_suite_text(suite_, folder_ / "mails.toml");
  EXPECT_THAT(text, HasSubstr("path = \"${BERTH_MODEL}\""));
  EXPECT_THAT(text, HasSubstr("# No model was found."));
}

TEST(TaskNameOf, IsMadeOfTheFile) {
  EXPECT_EQ(task_name_of("/data/My reviews (2).csv"), "my-reviews-2");
  EXPECT_EQ(task_name_of("/data/mails.csv.gz"), "mails");
  EXPECT_EQ(task_name_of("/data/Inbox/train.tsv"), "inbox");
  EXPECT_EQ(task_name_of("/\xE2\x98\x83/train.tsv"), "task");
}

}  // namespace
}  // namespace berth::suite

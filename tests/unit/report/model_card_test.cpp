// That the card's metadata and Python work in their readers is shown by tests/parity/export. Here: what is told, and
// what is not.
#include "core/report/model_card.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/platform/whole_file.h"
#include "tests/unit/checkpoint/temporary_folder.h"

namespace berth::report {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ModelCardTest : public ::testing::Test {
 protected:
  ModelCardTest() {
    suite_.name = "mail";
    suite_.model.path = "/secret/models/minilm";
    suite_.model.max_length = 77;
    suite::TaskConfig task;
    task.name = "inbox";
    task.plugin = "anything";
    task.train = suite::DataSetConfig{"train", "/secret/data/train.tsv", {}, {}};
    task.dev = suite::DataSetConfig{"dev", "/secret/data/dev.tsv", {}, {}};
    task.debias.teacher = "/secret/teacher";
    suite_.tasks = {task};
  }

  std::string card(const std::string& config_json, CardScores scores = {}) const {
    return model_card({"in\"box", config_json, suite_.tasks[0], suite_, 30, std::move(scores)});
  }

  suite::Suite suite_;
};

constexpr const char* kClassifier = R"({"architectures": ["BertForSequenceClassification"]})";

TEST_F(ModelCardTest, TellsNoFolders) {
  EXPECT_THAT(card(kClassifier), AllOf(HasSubstr("train.tsv"), Not(HasSubstr("/secret"))));
}

TEST_F(ModelCardTest, NamesTheBaseModelWhereItsNameCanBeOneOfTheHub) {
  const auto with = [&](const std::string& name) {
    return card(R"({"architectures": ["BertModel"], "_name_or_path": ")" + name + "\"}");
  };
  EXPECT_THAT(with("google/bert_uncased"), HasSubstr("base_model: \"google/bert_uncased\"\n"));
  EXPECT_THAT(with("bert-base-uncased"), HasSubstr("base_model: \"bert-base-uncased\"\n"));
  for (const auto* name : {"", "./bert", "/models/bert", "a/b/c"}) {
    EXPECT_THAT(with(name), Not(HasSubstr("base_model"))) << name;
  }
  EXPECT_THAT(card(kClassifier), AllOf(Not(HasSubstr("base_model")), HasSubstr("`minilm`, fine-tuned")));
}

TEST_F(ModelCardTest, QuotesNames) {
  const auto text = card(kClassifier, {{"dev", {{"f1:a|\"b\"", 1e-5}}}});
  EXPECT_THAT(text, HasSubstr("    - type: \"f1:a|\\\"b\\\"\"\n      value: 1.e-05\n"));
  EXPECT_THAT(text, HasSubstr("| f1:a\\|\"b\" | 0.0000 |"));
  EXPECT_THAT(text, HasSubstr("model=\"in\\\"box\""));
}

TEST_F(ModelCardTest, SaysOfAnEncoderThatItIsOne) {
  const CardScores scores = {{"dev", {{"bleu", 0.5}}}};
  for (const auto* config : {R"({"architectures": ["BertModel"]})", "{}", R"({"architectures": ["Unknown"]})"}) {
    EXPECT_THAT(card(config, scores),
                AllOf(HasSubstr("encoder without its head"), Not(HasSubstr("model-index")), HasSubstr("max_length=77")))
        << config;
  }
  EXPECT_THAT(card(kClassifier, scores), AllOf(Not(HasSubstr("without its head")), HasSubstr("model-index")));
}

TEST_F(ModelCardTest, LeavesOutScoresThatThereAreNone) {
  EXPECT_THAT(card(kClassifier), AllOf(Not(HasSubstr("model-index")), HasSubstr("no scores of this checkpoint")));
}

TEST(ScoresAt, AreTheFinalOnesElseThoseOfTheStep) {
  const berth::testing::TemporaryFolder folder;
  const auto file = folder.path() / "metrics.jsonl";
  platform::write_text(file, R"x({"kind":"plan"}
{"kind":"evaluation","step":10,"task":"a","set":"dev","scores":{"f1":0.1,"recall":null}}
{"kind":"evaluation","step":20,"task":"a","set":"dev","scores":{"f1":0.2}}
{"kind":"evaluation","step":20,"task":"b","set":"dev","scores":{"f1":0.3}}
{"kind":"final","step":20,"task":"a","set":"dev","scores":{"f1":0.4}}
{"kind":"final","step":20,"task":"a","set":"test","scores":{"f1":0.5}}
{"kind":"final","step":20,"ta)x");
  EXPECT_EQ(scores_at(file, "a", 10), (CardScores{{"dev", {{"f1", 0.1}}}}));
  EXPECT_EQ(scores_at(file, "a", 20), (CardScores{{"dev", {{"f1", 0.4}}}, {"test", {{"f1", 0.5}}}}));
  EXPECT_EQ(scores_at(file, "b", 20), (CardScores{{"dev", {{"f1", 0.3}}}}));
  EXPECT_EQ(scores_at(file, "a", 30), CardScores{});
  EXPECT_EQ(scores_at(folder.path() / "none", "a", 20), CardScores{});
}

}  // namespace
}  // namespace berth::report

#include "core/model/config.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "berth/error.h"
#include "core/model/json_text.h"

namespace berth::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Config : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }

  BertConfig read(const std::string& text) const {
    std::ofstream(file_) << text;
    return read_config(file_);
  }

  // The message, after the check that the error is of content and names the file.
  std::string error_of(const std::string& text) const {
    try {
      read(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent);
      EXPECT_THAT(error.what(), HasSubstr(file_.string()));
      return error.what();
    }
    ADD_FAILURE() << "read without an error: " << text;
    return "";
  }

  std::filesystem::path file_ =
      std::filesystem::temp_directory_path() / ("config_test_" + std::to_string(::getpid()) + ".json");
};

TEST_F(Config, ReadsAllItKnowsAndKeepsTheText) {
  const std::string text = R"({"model_type": "bert", "vocab_size": 100, "hidden_size": 24, "num_hidden_layers": 3,
    "num_attention_heads": 4, "intermediate_size": 50, "max_position_embeddings": 64, "type_vocab_size": 1,
    "hidden_act": "swish", "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0.2, "initializer_range": 0.01,
    "layer_norm_eps": 1e-5, "pad_token_id": 3, "id2label": {"0": "no"}, "unheard_of": [1]})";
  const BertConfig config = read(text);
  EXPECT_EQ(config.vocab_size, 100);
  EXPECT_EQ(config.hidden_size, 24);
  EXPECT_EQ(config.num_hidden_layers, 3);
  EXPECT_EQ(config.num_attention_heads, 4);
  EXPECT_EQ(config.intermediate_size, 50);
  EXPECT_EQ(config.max_position_embeddings, 64);
  EXPECT_EQ(config.type_vocab_size, 1);
  EXPECT_EQ(config.hidden_act, Activation::kSilu);
  EXPECT_EQ(config.hidden_dropout_prob, 0);
  EXPECT_EQ(config.attention_probs_dropout_prob, 0.2);
  EXPECT_EQ(config.initializer_range, 0.01);
  EXPECT_EQ(config.layer_norm_eps, 1e-5);
  EXPECT_EQ(config.pad_token_id, 3);
  EXPECT_EQ(config.json, text);
}

TEST_F(Config, WhatIsAbsentIsAsInTransformers) {
  const BertConfig config = read("{}");
  EXPECT_EQ(config.vocab_size, 30522);
  EXPECT_EQ(config.hidden_size, 768);
  EXPECT_EQ(config.hidden_act, Activation::kGelu);
  EXPECT_EQ(config.hidden_dropout_prob, 0.1);
  EXPECT_EQ(config.pad_token_id, 0);
  EXPECT_EQ(read(R"({"pad_token_id": null})").pad_token_id, -1);
}

TEST_F(Config, ErrorsNameTheKeyAndWhatStandsThere) {
  EXPECT_THAT(error_of(R"({"hidden_size": "768"})"), AllOf(HasSubstr("hidden_size"), HasSubstr("an integer")));
  EXPECT_THAT(error_of(R"({"vocab_size": 100.0})"), AllOf(HasSubstr("vocab_size"), HasSubstr("100.0")));
  EXPECT_THAT(error_of(R"({"num_hidden_layers": true})"), HasSubstr("num_hidden_layers"));
  EXPECT_THAT(error_of(R"({"num_hidden_layers": 0})"), HasSubstr("at least 1"));
  EXPECT_THAT(error_of(R"({"num_hidden_layers": 1000000})"), HasSubstr("at most"));
  EXPECT_THAT(error_of(R"({"vocab_size": 18446744073709551615})"), HasSubstr("at most"));
  EXPECT_THAT(error_of(R"({"vocab_size": -5})"), HasSubstr("at least 1"));
  EXPECT_THAT(error_of(R"({"hidden_dropout_prob": null})"), HasSubstr("hidden_dropout_prob"));
  EXPECT_THAT(error_of(R"({"hidden_dropout_prob": 1})"), HasSubstr("below 1"));
  EXPECT_THAT(error_of(R"({"layer_norm_eps": -1})"), HasSubstr("layer_norm_eps"));
  EXPECT_THAT(error_of(R"({"pad_token_id": 30522})"), HasSubstr("pad_token_id"));
  EXPECT_THAT(error_of(R"({"hidden_act": "selu"})"), AllOf(HasSubstr("selu"), HasSubstr("gelu_new")));
  EXPECT_THAT(error_of(R"({"hidden_act": null})"), HasSubstr("a string"));
  EXPECT_THAT(error_of(R"({"hidden_size": 100})"), AllOf(HasSubstr("100"), HasSubstr("12")));
  EXPECT_THAT(error_of(R"({"model_type": "roberta"})"), HasSubstr("roberta"));
  EXPECT_THAT(error_of(R"({"position_embedding_type": "relative_key"})"), HasSubstr("relative_key"));
  EXPECT_THAT(error_of(R"({"is_decoder": true})"), HasSubstr("is_decoder"));
  EXPECT_THAT(error_of(R"({"add_cross_attention": true})"), HasSubstr("add_cross_attention"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("object"));
}

TEST_F(Config, TextOfFieldsReadsBack) {
  BertConfig config;
  config.hidden_size = 36;
  config.hidden_act = Activation::kMish;
  config.pad_token_id = -1;
  const BertConfig again = read(config_text(config));
  EXPECT_EQ(again.hidden_size, 36);
  EXPECT_EQ(again.hidden_act, Activation::kMish);
  EXPECT_EQ(again.pad_token_id, -1);
}

TEST_F(Config, BadJsonIsAnErrorNotACrash) {
  EXPECT_THAT(error_of(""), HasSubstr("JSON"));
  EXPECT_THAT(error_of("{"), HasSubstr("JSON"));
  EXPECT_THAT(error_of("{\"a\": \"\xff\"}"), HasSubstr("JSON"));
  EXPECT_THAT(error_of(std::string(2'000'000, '[')), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(error_of(R"({"hidden_size": 24, "hidden_size": 36})"), HasSubstr("twice"));
  EXPECT_THAT(error_of(R"({"a": {"b": 1, "b": 2}})"), HasSubstr("twice"));
  EXPECT_NO_THROW(
      read(R"({"a": {"b": 1}, "c": {"b": "[[[[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}})"));
}

TEST_F(Config, IsOfABoundedSize) {
  EXPECT_THAT(error_of("{}" + std::string((std::size_t{64} << 20) + 1, ' ')), HasSubstr("has more than 64 MB"));
}

TEST(ConfigFile, ThatIsMissingOrAFolderIsAnIoError) {
  for (const std::string path : {"no/such/config.json", BERTH_TEST_DATA "/tiny"}) {
    try {
      read_config(path);
      FAIL() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      EXPECT_THAT(error.what(), HasSubstr(path));
    }
  }
}

}  // namespace
}  // namespace berth::model

#include "core/text/load_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "berth/error.h"

namespace berth::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

const fs::path kData = BERTH_TEST_DATA;

// A folder that is gone after the test.
class LoadTokenizer : public testing::Test {
 protected:
  LoadTokenizer() : folder_(fs::path(testing::TempDir()) / ("berth_tokenizer_" + unique_name())) {
    fs::create_directories(folder_);
  }
  ~LoadTokenizer() override { fs::remove_all(folder_); }

  static std::string unique_name() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    return std::string(info->name()) + std::to_string(::getpid());
  }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  // The stored tokenizer.json with a change.
  void write_changed(const std::function<void(json&)>& change) {
    std::ifstream in(kData / "uncased" / "tokenizer.json");
    json file = json::parse(in);
    change(file);
    write("tokenizer.json", file.dump());
  }

  // What loading says; fails the test if it succeeds.
  std::string message(ErrorKind kind) {
    try {
      load_tokenizer(folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "loaded";
    return "";
  }

  fs::path folder_;
};

std::vector<std::int32_t> ids(const Tokenizer& tokenizer, const std::string& text) {
  return tokenizer.encode(text, {}).ids;
}

TEST_F(LoadTokenizer, NeitherFileIsAnIoError) {
  EXPECT_THAT(message(ErrorKind::kIo), AllOf(HasSubstr(folder_.string()), HasSubstr("tokenizer.json")));
}

TEST_F(LoadTokenizer, NamesFileLineAndColumnOfBrokenJson) {
  write("tokenizer.json", "{\n \"model\": x}");
  EXPECT_THAT(message(ErrorKind::kContent), HasSubstr("tokenizer.json:2:11: "));
}

TEST_F(LoadTokenizer, ANumberThatNoDoubleHoldsIsAnErrorOfTheFile) {
  write("tokenizer.json", R"({"version": 8e888888888})");
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("tokenizer.json: "), HasSubstr("8e888888888")));
}

TEST_F(LoadTokenizer, RefusesDeepNestingBeforeParsing) {
  write("tokenizer.json", std::string(1000000, '['));
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr(":1:65: "), HasSubstr("64 deep")));
}

TEST_F(LoadTokenizer, BracketsInStringsAreNoNesting) {
  write_changed([](json& file) {
    json& vocabulary = file["model"]["vocab"];
    vocabulary["\\\"[[{" + std::string(100, '[')] = vocabulary["z"];
    vocabulary.erase("z");
  });
  EXPECT_NO_THROW(load_tokenizer(folder_));
}

TEST_F(LoadTokenizer, RefusesLargeFilesBeforeReading) {
  write("vocab.txt", "[UNK]\n");
  fs::resize_file(folder_ / "vocab.txt", 65 << 20);
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("vocab.txt"), HasSubstr("bytes")));
}

struct BadFile {
  const char* name;
  std::function<void(json&)> change;
  const char* expected;  // in the message
};

TEST_F(LoadTokenizer, NamesTheKeyOfWhatItCannotRead) {
  const BadFile files[] = {
      {"no model", [](json& f) { f.erase("model"); }, "lacks the key \"model\""},
      {"other model", [](json& f) { f["model"]["type"] = "BPE"; }, "model: is \"BPE\""},
      {"no vocab", [](json& f) { f["model"].erase("vocab"); }, "model: lacks the key \"vocab\""},
      {"vocab type", [](json& f) { f["model"]["vocab"] = 3; }, "model.vocab: expected an object, found number"},
      {"id type", [](json& f) { f["model"]["vocab"]["a"] = "x"; }, "model.vocab.a: expected a whole number"},
      {"negative id", [](json& f) { f["model"]["vocab"]["a"] = -1; }, "model.vocab.a: -1 is not an id"},
      {"huge id", [](json& f) { f["model"]["vocab"]["a"] = 1LL << 40; }, "model.vocab.a: 1099511627776 is not an id"},
      {"id twice", [](json& f) { f["model"]["vocab"]["a"] = f["model"]["vocab"]["b"]; }, "stands twice"},
      {"no [UNK]", [](json& f) { f["model"]["unk_token"] = "<unk>"; }, "lacks the unknown token \"<unk>\""},
      {"other normalizer",
       [](json& f) {
         f["normalizer"] = {{"type", "NFKC"}};
       },
       "normalizer: is \"NFKC\""},
      {"no normalizer", [](json& f) { f["normalizer"] = nullptr; }, "normalizer: is null"},
      {"flag type", [](json& f) { f["normalizer"]["lowercase"] = 1; }, "normalizer.lowercase: expected true or false"},
      {"other splitting", [](json& f) { f["pre_tokenizer"]["type"] = "Metaspace"; }, "pre_tokenizer: is \"Metaspace\""},
      {"other decoder", [](json& f) { f["decoder"]["type"] = "ByteLevel"; }, "decoder: is \"ByteLevel\""},
      {"no template", [](json& f) { f["post_processor"] = nullptr; }, "post_processor: is null"},
      {"other template", [](json& f) { f["post_processor"]["pair"][3]["Sequence"]["type_id"] = 0; },
       "post_processor: only BERT's template"},
      {"other id", [](json& f) { f["added_tokens"][0]["id"] = 77; }, "the added token \"[PAD]\" has id 77"},
      {"U+FFFD", [](json& f) { f["added_tokens"][0]["content"] = "a\uFFFD"; }, "U+FFFD"},
      {"nothing left",
       [](json& f) {
         f["added_tokens"].back()["content"] = "\u200B";
         f["added_tokens"].back()["normalized"] = true;
       },
       "nothing is left of it"},
  };
  for (const BadFile& file : files) {
    write_changed(file.change);
    EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("tokenizer.json: "), HasSubstr(file.expected)))
        << file.name;
  }
}

TEST_F(LoadTokenizer, BertProcessingIsTheSameTemplate) {
  write_changed([](json& file) {
    file["post_processor"] = {{"type", "BertProcessing"}, {"sep", {"[SEP]", 3}}, {"cls", {"[CLS]", 2}}};
  });
  const auto tokenizer = load_tokenizer(folder_);
  EXPECT_EQ(ids(*tokenizer, ""), (std::vector<std::int32_t>{2, 3}));
}

TEST_F(LoadTokenizer, ReadsVocabularyLinesAsTheLibraryDoes) {
  // White space at the end of a line is no part of the token; of equal lines the last counts; a last line needs no end.
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na \r\nb\u3000\na\nc");
  write("tokenizer_config.json", "{}");
  const auto tokenizer = load_tokenizer(folder_);
  EXPECT_EQ(tokenizer->vocabulary_size(), 8);
  EXPECT_EQ(ids(*tokenizer, "a B c"), (std::vector<std::int32_t>{2, 6, 5, 7, 3}));
  EXPECT_EQ(tokenizer->token(4), "a");
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_FALSE(tokenizer->contains("[MASK]"));
  EXPECT_THROW(tokenizer->mask_id(), Error);
}

TEST_F(LoadTokenizer, ConfigurationNamesSpecialTokensAndSettings) {
  write("vocab.txt", "<p>\n<u>\n<c>\n<s>\n<m>\nA\na\n\u00C0\n<x>\n");
  write("tokenizer_config.json", R"({"do_lower_case": false, "strip_accents": true, "pad_token": "<p>",
      "unk_token": {"content": "<u>"}, "cls_token": "<c>", "mask_token": "<m>",
      "added_tokens_decoder": {"8": {"content": "<x>", "special": true, "rstrip": true}}})");
  write("special_tokens_map.json", R"({"sep_token": "<s>"})");
  const auto tokenizer = load_tokenizer(folder_);
  EXPECT_EQ(ids(*tokenizer, "A\u00C0a <x>  A<m>"), (std::vector<std::int32_t>{2, 1, 8, 5, 4, 3}));
  EXPECT_EQ(ids(*tokenizer, "\u00C0"), (std::vector<std::int32_t>{2, 5, 3}));
  EXPECT_EQ(tokenizer->pad_id(), 0);
  EXPECT_EQ(tokenizer->unk_id(), 1);
  EXPECT_EQ(tokenizer->decode({2, 5, 8, 6, 3}), "A a");
}

TEST_F(LoadTokenizer, RefusesWhatItWouldReadWrongly) {
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n");
  write("tokenizer_config.json", R"({"never_split": ["x"]})");
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("tokenizer_config.json"), HasSubstr("never_split")));
  write("tokenizer_config.json", R"({"do_basic_tokenize": false})");
  EXPECT_THAT(message(ErrorKind::kContent), HasSubstr("do_basic_tokenize"));
  write("tokenizer_config.json", "[]");
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("tokenizer_config.json"), HasSubstr("expected an object")));
  fs::remove(folder_ / "tokenizer_config.json");
  write("added_tokens.json", "{}");
  EXPECT_THAT(message(ErrorKind::kContent), HasSubstr("added_tokens.json"));
  fs::remove(folder_ / "added_tokens.json");
  write("vocab.txt", "[UNK]\n[CLS]\n\xFF\n");
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("vocab.txt:3: "), HasSubstr("UTF-8")));
  write("vocab.txt", "[UNK]\n[CLS]\n");
  EXPECT_THAT(message(ErrorKind::kContent), AllOf(HasSubstr("vocab.txt"), HasSubstr("[SEP]")));
}

TEST_F(LoadTokenizer, CopiesTheFilesThatExist) {
  copy_tokenizer_files(kData / "cased", folder_);
  EXPECT_TRUE(fs::exists(folder_ / "vocab.txt"));
  EXPECT_FALSE(fs::exists(folder_ / "tokenizer.json"));
  EXPECT_EQ(ids(*load_tokenizer(folder_), "Hello"), ids(*load_tokenizer(kData / "cased"), "Hello"));
  EXPECT_NO_THROW(copy_tokenizer_files(folder_, folder_));
  EXPECT_THROW(copy_tokenizer_files(folder_, folder_ / "missing"), Error);
}

}  // namespace
}  // namespace berth::text

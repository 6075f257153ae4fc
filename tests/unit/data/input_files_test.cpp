#include "core/data/input_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "berth/error.h"

namespace berth::data {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class InputFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "part-folder.tsv");
    fs::create_directories(folder_ / "year[1]");
    for (const auto* name : {"part-2.tsv", "part-10.tsv", "part-1.tsv", ".part-0.tsv", "dev.tsv", "odd[1].tsv",
                             "odd1.tsv", "year[1]/a.tsv", "year[1]/b.tsv"}) {
      std::ofstream(folder_ / name) << name;
    }
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<std::string> matches(const std::string& pattern) const {
    std::vector<std::string> names;
    for (const auto& file : match_files(folder_ / pattern)) names.push_back(file.lexically_relative(folder_).string());
    return names;
  }
  std::string refusal(const std::string& pattern) const {
    try {
      matches(pattern);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      return error.what();
    }
    ADD_FAILURE() << pattern << " was taken";
    return "";
  }

  const fs::path folder_ = fs::canonical(testing::TempDir()) / ("input-files-" + std::to_string(getpid()));
};

TEST_F(InputFilesTest, FilesThatMatchComeByNameWithoutFoldersAndHiddenOnes) {
  EXPECT_THAT(matches("part-*.tsv"), ElementsAre("part-1.tsv", "part-10.tsv", "part-2.tsv"));
  EXPECT_THAT(matches("part-?.tsv"), ElementsAre("part-1.tsv", "part-2.tsv"));
  EXPECT_THAT(matches("part-[2-9].tsv"), ElementsAre("part-2.tsv"));
  EXPECT_THAT(matches("*/?.tsv"), ElementsAre("year[1]/a.tsv", "year[1]/b.tsv"));
  EXPECT_THAT(matches("*ev.tsv"), ElementsAre("dev.tsv"));
}

TEST_F(InputFilesTest, APathThatIsThereIsNoPattern) {
  EXPECT_THAT(matches("odd[1].tsv"), ElementsAre("odd[1].tsv"));
  EXPECT_THAT(matches("odd[1]*.tsv"), ElementsAre("odd1.tsv"));
  EXPECT_THAT(matches("year[1]/*.tsv"), ElementsAre("year[1]/a.tsv", "year[1]/b.tsv"));
  EXPECT_THAT(matches("year[1]/missing.tsv"), ElementsAre("year[1]/missing.tsv"));
  EXPECT_THAT(matches("missing.tsv"), ElementsAre("missing.tsv"));
}

TEST_F(InputFilesTest, WithoutAMatchTheFolderAndItsNamesAreTold) {
  const auto text = refusal("parts-*.tsv");
  EXPECT_THAT(text, HasSubstr((folder_ / "parts-*.tsv").string() + ": no file matches this pattern"));
  EXPECT_THAT(text,
              HasSubstr(folder_.string() + " has .part-0.tsv, dev.tsv, odd1.tsv, odd[1].tsv, part-1.tsv and 4 more"));
  EXPECT_THAT(text, HasSubstr("did you mean part-1.tsv?"));
  EXPECT_THAT(refusal("missing/*.tsv"), HasSubstr(folder_.string() + " has "));
  EXPECT_THAT(refusal("*-folder.tsv"), HasSubstr("no file matches"));  // but a folder does
}

TEST_F(InputFilesTest, PlainFilesAreOpenedWhereTheyAre) {
  const auto files = input_files(folder_ / "part-?.tsv");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[1].name, (folder_ / "part-2.tsv").string());
  EXPECT_EQ(files[1].path, folder_ / "part-2.tsv");
}

}  // namespace
}  // namespace berth::data

// The beginning of a data file, and what is said of files that are no text.
#include "core/data/file_sample.h"

#include <gmock/gmock.h>
#include <unistd.h>
#include <string>

#include <filesystem>
#include <fstream>

#include "berth/error.h"

namespace berth::data {
namespace {

using testing::HasSubstr;

class FileSample : public testing::Test {
 protected:
  FileSample()
      : folder_(std::filesystem::path(testing::TempDir()) / ("berth_file_sample-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~FileSample() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }
  std::string complaint(const std::string& content) const {
    try {
      read_sample(write("a.csv", content));
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  std::filesystem::path folder_;
};

TEST_F(FileSample, IsAllOfASmallFile) {
  const auto sample = read_sample(write("a.csv", "\xEF\xBB\xBFtext,label\na,b\n"));
  EXPECT_EQ(sample.text, "text,label\na,b\n");
  EXPECT_TRUE(sample.is_whole);
}

TEST_F(FileSample, EndsWithALine) {
  std::string lines;
  while (lines.size() < std::size_t{5} << 20) lines += "a row of some length, and its label\n";
  const auto sample = read_sample(write("a.csv", lines));
  EXPECT_FALSE(sample.is_whole);
  EXPECT_EQ(sample.text.back(), '\n');
  EXPECT_TRUE(lines.starts_with(sample.text));
}

TEST_F(FileSample, IsTheFirstOfSeveralFiles) {
  const auto first = write("part-1.csv", "text,label\na,b\n");
  write("part-2.csv", "text,label\nc,d\n");
  const auto sample = read_sample(folder_ / "part-*.csv");
  EXPECT_EQ(sample.text, "text,label\na,b\n");
  EXPECT_THAT(sample.path, testing::EndsWith("part-1.csv"));
  EXPECT_FALSE(sample.is_whole);
  EXPECT_TRUE(read_sample(first).is_whole);
}

TEST_F(FileSample, EndsWithACharacterOfASingleLine) {
  std::string line = "{";
  while (line.size() < std::size_t{5} << 20) line += "\xE2\x98\x83";
  const auto sample = read_sample(write("a.json", line));
  EXPECT_FALSE(sample.is_whole);
  EXPECT_TRUE(sample.text.ends_with("\xE2\x98\x83"));
}

TEST_F(FileSample, SaysWhatFilesAreThatAreNoText) {
  EXPECT_THAT(complaint(""), HasSubstr("is empty"));
  EXPECT_THAT(complaint("PK\x03\x04more"), HasSubstr("CSV in UTF-8"));
  EXPECT_THAT(complaint(std::string("\xFF\xFEt\0e\0", 6)), HasSubstr("iconv -f UTF-16"));
  EXPECT_THAT(complaint("text,label\ncaf\xE9,b\n"), testing::AllOf(HasSubstr("a.csv:2"), HasSubstr("WINDOWS-1252")));
}

}  // namespace
}  // namespace berth::data

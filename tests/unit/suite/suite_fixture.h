// A folder of its own for each test, and suites written into it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/suite/suite.h"

namespace berth::suite {

class SuiteTest : public ::testing::Test {
 protected:
  SuiteTest() {
    auto pattern = (std::filesystem::temp_directory_path() / "berth_suite_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    ::setenv("BERTH_TEST_FOLDER", "/elsewhere", 1);
    ::unsetenv("BERTH_TEST_UNSET");
  }
  ~SuiteTest() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& text, const std::string& name = "s.toml") const {
    const auto file = folder_ / name;
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  Suite read(const std::string& text, const std::vector<std::string>& sets = {}) const {
    return read_suite(write(text), sets);
  }

  // The message without the folder ("s.toml:3:1: ..."); "" where the suite is taken. Anything but a kConfig error
  // fails.
  std::string complaint(const std::string& text, const std::vector<std::string>& sets = {}) const {
    try {
      read(text, sets);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kConfig) << e.what();
      std::string message = e.what();
      const auto prefix = folder_.string() + "/";
      return message.rfind(prefix, 0) == 0 ? message.substr(prefix.size()) : message;
    }
    return "";
  }

  std::filesystem::path folder_;
};

// The least that is a suite, in five lines.
inline const std::string kLeast =
    "[model]\npath = \"m\"\n[tasks.sst2]\nplugin = \"classification\"\ntrain = \"train.tsv\"\n";

}  // namespace berth::suite

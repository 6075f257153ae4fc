// What the SDK's tests share: files to read, and errors to look at.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "berth/error.h"

namespace berth::test {

// A folder of the test's own, gone when it ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("berth_") + info->test_suite_name() + "_" + info->name() + "_" + std::to_string(::getpid()));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string write(const std::string& name, std::string_view content) const {
    const std::string file = (path_ / name).string();
    std::ofstream(file, std::ios::binary) << content;
    return file;
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

struct Caught {
  int code = 0;  // of the ErrorKind; 0: nothing was thrown
  std::string text;
};

template <typename Call>
Caught caught(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return {static_cast<int>(e.kind()), e.what()};
  }
  return {};
}

// The call throws an Error of the kind whose text holds each of the parts.
template <typename Call>
void expect_error(ErrorKind kind, std::initializer_list<std::string_view> parts, Call&& call) {
  const Caught error = caught(call);
  EXPECT_EQ(error.code, static_cast<int>(kind)) << error.text;
  for (const std::string_view part : parts) {
    EXPECT_NE(error.text.find(part), std::string::npos) << "expected '" << part << "' in: " << error.text;
  }
}

}  // namespace berth::test

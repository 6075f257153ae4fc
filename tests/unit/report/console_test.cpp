#include "core/report/console.h"

#include <gtest/gtest.h>

#include <string>

namespace berth::report {
namespace {

TEST(Console, DurationsAreShortAndReadable) {
  EXPECT_EQ(format_duration(0.04), "0.0 s");
  EXPECT_EQ(format_duration(9.94), "9.9 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(59.6), "1:00");
  EXPECT_EQ(format_duration(3599.4), "59:59");
  EXPECT_EQ(format_duration(3661), "1:01:01");
}

TEST(Console, WritesPlainLinesWhereThereIsNoTerminal) {
  std::FILE* file = std::tmpfile();
  Console console(file);
  console.progress({0.5, "step 1/2", 12});
  console.line("done");
  std::rewind(file);
  char buffer[200];
  const std::string text(buffer, std::fread(buffer, 1, sizeof(buffer), file));
  std::fclose(file);
  EXPECT_EQ(text, "step 1/2  12 s left\ndone\n");
}

}  // namespace
}  // namespace berth::report

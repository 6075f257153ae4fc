#include "core/report/run_memory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "berth/error.h"
#include "core/platform/whole_file.h"

namespace berth::report {
namespace {

std::filesystem::path file_of_this_test() {
  return std::filesystem::temp_directory_path() /
         (std::string("berth_") + ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".json");
}

TEST(RunMemory, IsReadAsItWasWritten) {
  RunMemory memory;
  memory.metrics_bytes = 12345678901;
  memory.last = {7, 0.5, 2e-5, std::numeric_limits<double>::infinity(), 3.25};
  memory.seconds_to_first_step = 0.1;
  memory.best_step = 20;
  memory.links = {{"best", 20}, {"last", 30}};
  memory.intervals["a"] = {1.0 / 3, 7, 0.5};
  memory.courses["a"] = {0.7, 1.0 / 3};
  memory.not_finite = {{"went back", 2}};
  memory.cosines[{"a", "b"}] = {-0.25, -1.0 / 7, 3, 2};
  memory.before = {{"a", std::numeric_limits<double>::quiet_NaN()}};
  memory.after_own_turn = {{"a", 0.7}};
  memory.dev["a"]["accuracy"] = {0.5, 0.6, 10};
  memory.primary["a"] = {"loss", 0, Direction::kLowerIsBetter, true};
  const auto file = file_of_this_test();
  platform::write_text(file, to_json(memory));
  const auto read = read_memory(file);
  std::filesystem::remove(file);
  EXPECT_EQ(to_json(read), to_json(memory));
  EXPECT_TRUE(std::isnan(read.before.at("a")));
  EXPECT_EQ(read.intervals.at("a").loss, 1.0 / 3);
  EXPECT_EQ(read.primary.at("a").name, "loss");
  EXPECT_EQ(read.primary.at("a").direction, Direction::kLowerIsBetter);
}

TEST(RunMemory, RefusesOtherFiles) {
  const auto file = file_of_this_test();
  for (const auto* text : {"", "[]", "{}", R"({"metrics_bytes": "many"})"}) {
    platform::write_text(file, text);
    EXPECT_THROW(read_memory(file), Error) << text;
  }
  std::filesystem::remove(file);
}

TEST(RunMemory, RefusesWholeNumbersThatNoIntegerHolds) {
  const auto file = file_of_this_test();
  auto text = to_json({});
  const std::string step = "\"best_step\": -1";
  text.replace(text.find(step), step.size(), "\"best_step\": 666666666666666666667");
  platform::write_text(file, text);
  try {
    read_memory(file);
    ADD_FAILURE() << "read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kContent);
    EXPECT_NE(std::string(error.what()).find("no whole number"), std::string::npos) << error.what();
  }
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace berth::report

#include "core/report/profile.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/training/trainer.h"

namespace berth::report {
namespace {

using ::testing::HasSubstr;

void work() {
  RECORD_USER_SCOPE("berth: waiting");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

TEST(Profile, SharesOutTheTimeOfSteps) {
  const at::Tensor matrix = at::ones({64, 64});
  Profile profile;
  const auto start = std::chrono::steady_clock::now();
  at::mm(matrix, matrix);  // outside of a step
  work();
  for (int step = 0; step < 3; ++step) {
    RECORD_USER_SCOPE(training::kStepScope);
    work();
    at::mm(matrix, matrix);
    at::relu(matrix);
  }
  std::map<std::string, Profile::Part> parts;
  for (const auto& part : profile.parts()) parts[part.name] = part;
  EXPECT_EQ(parts.at("waiting").calls, 3);
  EXPECT_GE(parts.at("waiting").seconds, 0.06);
  EXPECT_EQ(parts.at("matrix products").calls, 3);
  EXPECT_EQ(parts.at("between operations").calls, 3);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_LE(profile.seconds(), elapsed.count()) << "something counts twice";
  EXPECT_TRUE(parts.contains("other operations of LibTorch"));
  const auto all = profile.parts();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.seconds > b.seconds;
  })) << "the longest first";
  EXPECT_THAT(profile.table(), HasSubstr("mean of 3"));
  EXPECT_THAT(profile.table(), HasSubstr("matrix products"));
}

TEST(Profile, IsOneAtATimeAndSaysWhereThereWasNoStep) {
  {
    const Profile profile;
    EXPECT_THAT(profile.table(), HasSubstr("no training step"));
    EXPECT_THROW(Profile(), c10::Error);
  }
  EXPECT_NO_THROW(Profile());
}

}  // namespace
}  // namespace berth::report

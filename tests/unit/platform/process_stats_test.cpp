#include "core/platform/process_stats.h"

#include <gtest/gtest.h>

#include <vector>

namespace berth::platform {
namespace {

TEST(ProcessStats, TheProcessStartedAWhileAgo) {
  const double first = seconds_since_process_start();
  EXPECT_GE(first, 0);
  EXPECT_LT(first, 600);
  EXPECT_GE(seconds_since_process_start(), first);
}

TEST(ProcessStats, PeakMemoryGrowsByWhatIsTouched) {
  const auto before = peak_resident_bytes();
  const std::vector<char> block(std::size_t{200} << 20, 1);
  EXPECT_GE(peak_resident_bytes(), before + (std::int64_t{100} << 20)) << block[12345];
}

}  // namespace
}  // namespace berth::platform

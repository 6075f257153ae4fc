#include "core/platform/heap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <vector>

namespace berth::platform {
namespace {

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t size = 0;
  std::int64_t resident = 0;
  in >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
constexpr bool kOwnAllocator = true;
#else
constexpr bool kOwnAllocator = false;
#endif
constexpr std::int64_t kBlock = std::int64_t{4} << 20;
constexpr int kCount = 16;

TEST(Heap, LargeBlocksGoBackToTheSystemWhateverLiesBetweenThem) {
  if (kOwnAllocator) GTEST_SKIP() << "an allocator of its own";
  { const std::vector<char> larger(2 * kBlock, 1); }  // from then on, glibc would keep blocks of up to this size
  return_large_blocks();
  std::vector<std::vector<char>> blocks;
  std::vector<std::unique_ptr<char[]>> between;
  for (int i = 0; i < kCount; ++i) {
    blocks.emplace_back(kBlock, 1);
    between.push_back(std::make_unique<char[]>(100'000));
  }
  const auto before = resident_bytes();
  blocks.clear();
  EXPECT_LT(resident_bytes(), before - (kCount - 2) * kBlock);
}

TEST(Heap, FreedBlocksStay) {
  if (kOwnAllocator) GTEST_SKIP() << "an allocator of its own";
  keep_freed_blocks();
  std::vector<std::vector<char>> blocks;
  for (int i = 0; i < kCount; ++i) blocks.emplace_back(kBlock, 1);
  const auto before = resident_bytes();
  blocks.clear();
  EXPECT_GT(resident_bytes(), before - kBlock);
}

}  // namespace
}  // namespace berth::platform

// How much memory a test's thread takes: what LibTorch's allocator gave it and did not get back.
#pragma once

#include <c10/core/Allocator.h>

#include <algorithm>
#include <cstdint>

namespace berth::testing {

// Counts while a c10::DebugInfoGuard(c10::DebugInfoKind::PROFILER_STATE, ...) has it.
class AllocatedBytes final : public c10::MemoryReportingInfoBase {
 public:
  // size: below 0 for what is given back; only of what was given while this counts.
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    held_ += size;
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }

  std::int64_t held() const { return held_; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t held_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace berth::testing

#include "core/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace berth::training {

Schedule::Schedule(const suite::ScheduleConfig& config, std::int64_t total_steps)
    : kind_(config.kind),
      total_steps_(total_steps),
      // Rounded up, as transformers' warmup_ratio is.
      warmup_steps_(config.warmup_steps.value_or(
          static_cast<std::int64_t>(std::ceil(config.warmup * static_cast<double>(total_steps))))) {}

double Schedule::factor(std::int64_t step) const {
  if (step < warmup_steps_)
    return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup_steps_));
  if (kind_ == suite::ScheduleKind::kConstant) return 1;
  const auto decay_steps = std::max<std::int64_t>(1, total_steps_ - warmup_steps_);
  const double progress = static_cast<double>(step - warmup_steps_) / static_cast<double>(decay_steps);
  if (kind_ == suite::ScheduleKind::kCosine) return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
  return std::max(0.0, 1 - progress);
}

}  // namespace berth::training

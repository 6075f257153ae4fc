// The factor on all rates over the steps of a run, as transformers' schedulers define it.
#pragma once

#include <cstdint>

#include "core/suite/suite.h"

namespace berth::training {

class Schedule {
 public:
  Schedule(const suite::ScheduleConfig& config, std::int64_t total_steps);

  // step: optimizer steps taken before this one, from 0.
  double factor(std::int64_t step) const;

  std::int64_t warmup_steps() const { return warmup_steps_; }

 private:
  suite::ScheduleKind kind_;
  std::int64_t total_steps_;
  std::int64_t warmup_steps_;
};

}  // namespace berth::training

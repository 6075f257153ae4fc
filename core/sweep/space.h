// The combinations of settings that a sweep tries.
#pragma once

#include <string>
#include <vector>

#include "core/suite/sweep_config.h"

namespace berth::sweep {

// A choice for each setting of the sweep, in their order.
using Point = std::vector<suite::SweepChoice>;

// "optimizer.rate=2e-05 variant=steady"; "as the suite says" where nothing is changed.
std::string describe(const suite::SweepConfig& config, const Point& point);

// The changes of all choices.
std::vector<std::string> sets_of(const Point& point);

// For a grid every combination, the first setting changing last; else `trials` different ones, drawn by `seed`: those
// of a smaller number are the first of those of a larger one. Fewer where there are no more.
std::vector<Point> points(const suite::SweepConfig& config);

}  // namespace berth::sweep

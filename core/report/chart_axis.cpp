#include "core/report/chart_axis.h"

#include <algorithm>
#include <cmath>

namespace berth::report {

Axis::Axis(double low, double high, ChartScale scale) : scale_(scale), low_(place(low)), high_(place(high)) {
  if (!(high_ - low_ > 1e-12 * (1 + std::abs(low_)))) {  // a single number stands in the middle
    const double around = scale == ChartScale::kLog ? 0.3 : std::max(std::abs(low_) * 0.05, 0.01);
    low_ -= around;
    high_ += around;
  }
  const double margin = scale == ChartScale::kNames ? 0.5 : 0.05 * (high_ - low_);
  low_ -= margin;
  high_ += margin;
}

void Axis::lay(double from, double to) {
  from_ = from;
  to_ = to;
}

double Axis::at(double value) const { return from_ + (place(value) - low_) / (high_ - low_) * (to_ - from_); }

std::vector<double> Axis::ticks() const { return scale_ == ChartScale::kLog ? log_ticks() : linear_ticks(); }

double Axis::place(double value) const { return scale_ == ChartScale::kLog ? std::log10(value) : value; }

// Four to nine round numbers.
std::vector<double> Axis::linear_ticks() const {
  const double rough = (high_ - low_) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  const double step = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  std::vector<double> ticks;
  const auto last = static_cast<std::int64_t>(std::floor(high_ / step));
  for (auto i = static_cast<std::int64_t>(std::ceil(low_ / step)); i <= last; ++i) {
    ticks.push_back(static_cast<double>(i) * step);
  }
  return ticks;
}

// Powers of ten; over few of them their multiples by 2 and 5, too.
std::vector<double> Axis::log_ticks() const {
  std::vector<double> ticks;
  const bool is_short = high_ - low_ < 2.5;
  const auto last = static_cast<int>(std::floor(high_));
  for (auto power = static_cast<int>(std::floor(low_)); power <= last; ++power) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double place = power + std::log10(digit);
      if ((digit == 1 || is_short) && place >= low_ && place <= high_) ticks.push_back(digit * std::pow(10, power));
    }
  }
  return ticks;
}

}  // namespace berth::report

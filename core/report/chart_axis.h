// The axis of a chart: from numbers to pixels, and the round numbers that it names. Used by svg_chart and html/plot.
#pragma once

#include <cstdint>
#include <vector>

namespace berth::report {

enum class ChartScale : std::uint8_t {
  kLinear,
  kLog,    // numbers above 0
  kNames,  // counts names from 0
};

class Axis {
 public:
  // low, high: of the numbers. A margin is put around them.
  Axis(double low, double high, ChartScale scale);

  // Pixels; `to` may be the smaller.
  void lay(double from, double to);
  double at(double value) const;

  std::vector<double> ticks() const;

 private:
  double place(double value) const;
  std::vector<double> linear_ticks() const;
  std::vector<double> log_ticks() const;

  ChartScale scale_;
  double low_;
  double high_;
  double from_ = 0;
  double to_ = 1;
};

}  // namespace berth::report

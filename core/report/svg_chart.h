// Charts as SVG text: points with error bars, and a map of numbers in coloured cells. The same numbers give the same
// bytes. Light and dark viewers each get their colours; one that knows neither shows the light ones, with a ground of
// their own. Called by `berth sweep` and `berth matrix`.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/report/chart_axis.h"

namespace berth::report {

struct ChartPoint {
  double x = 0;
  double y = 0;
  double low = std::numeric_limits<double>::quiet_NaN();  // of the error bar; NaN: none
  double high = std::numeric_limits<double>::quiet_NaN();
};

enum class ChartLine : std::uint8_t { kNone, kJoined };

struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;  // one whose x or y is not finite is left out
};

struct PointChart {
  std::string title;
  std::string x_title;
  std::string y_title;
  ChartScale x_scale = ChartScale::kLinear;
  std::vector<std::string> x_names;
  ChartLine line = ChartLine::kNone;  // between the points of a series, in their order
  std::vector<ChartSeries> series;
};

std::string draw(const PointChart& chart);

struct HeatCell {
  double value = std::numeric_limits<double>::quiet_NaN();  // NaN: an empty cell
  std::string note;                                         // small, below the number; "" for none
};

struct HeatMap {
  std::string title;
  std::string row_title;
  std::string column_title;
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::vector<std::vector<HeatCell>> cells;  // [rows][columns]
};

std::string draw(const HeatMap& map);

}  // namespace berth::report

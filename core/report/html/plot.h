// Charts of report.html: lines, marks and bars over one pair of axes, as SVG within a <figure>, with the same numbers
// as a table below. Called by the report's sections.
//
// Plain SVG, drawn here, and no library of charts: it can be read and printed without a script, the same numbers give
// the same bytes, and the page stays small. Its colours are page.css's, light and dark. Series differ by dashes and the
// shape of their marks too, so that colours need not be told apart. Each point says its numbers where the pointer
// rests on it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/report/chart_axis.h"

namespace berth::report::html {

struct PlotPoint {
  double x = 0;
  double y = 0;
  double low = std::numeric_limits<double>::quiet_NaN();  // of a band around the line; NaN: none
  double high = std::numeric_limits<double>::quiet_NaN();
  std::string note = {};  // after the numbers in the tooltip: "12 answers"
};

enum class Look : std::uint8_t {
  kLine,    // of many points
  kPale,    // likewise, in the background
  kMarked,  // a line with a mark at each point
  kMarks,
  kBars,
};

struct PlotSeries {
  std::string name;
  std::vector<PlotPoint> points;  // by x; one whose x or y is not finite is left out
  Look look = Look::kMarked;
  std::size_t place = 0;  // chooses colour, dashes and marks: the same thing has the same in every chart
};

// A line across, to hold the others against.
struct Level {
  std::string name;
  double y = 0;
};

enum class Guide : std::uint8_t { kNone, kDiagonal };

struct Plot {
  std::string id;  // unique on the page
  std::string title;
  std::string x_title = {};
  std::string y_title = {};
  std::string note = {};                     // below the title: what to know to read it
  ChartScale x_scale = ChartScale::kLinear;  // or kNames
  std::vector<std::string> x_names = {};
  double least =
      std::numeric_limits<double>::quiet_NaN();  // that the y axis reaches to at least; NaN: as the points do
  double most = std::numeric_limits<double>::quiet_NaN();
  double bar_width = 0.6;  // in x
  Guide guide = Guide::kNone;
  std::vector<PlotSeries> series = {};
  std::vector<Level> levels = {};
};

// "" where there is nothing to draw.
std::string plot_html(const Plot& plot);

// The numbers of the plot: a row an x, a column a series. Part of plot_html().
std::string plot_table_html(const Plot& plot);

// "1.605"
std::string plot_number(double value);

}  // namespace berth::report::html

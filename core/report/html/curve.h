// What is done to long curves before they are drawn. Used by the sections with learning curves.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/report/html/plot.h"

namespace berth::report::html {

// More points than this a chart has no room for.
constexpr std::size_t kMostPoints = 300;

// At most kMostPoints: the points of equal shares of them, each share with its mean, its least and its most. Few points
// stay as they are. Points that are not finite are left out.
std::vector<PlotPoint> thinned(const std::vector<PlotPoint>& points);

// thinned() without the least and the most.
std::vector<PlotPoint> thinned_line(const std::vector<PlotPoint>& points);

// "; each point is the mean of 4 lines, the band from the least to the most", or "" where thinned() left all.
std::string thinning_note(std::size_t points);

// Each point's mean with those around it, which weigh less the further away they are; some twentieth of all, at least
// 5, make up most of it. Before and behind weigh the same, so that the curve does not lag.
std::vector<PlotPoint> smoothed(const std::vector<PlotPoint>& points);

}  // namespace berth::report::html

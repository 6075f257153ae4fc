#include "core/report/html/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "core/report/html/plot_text.h"

namespace berth::report::html {
namespace {

std::size_t share_of(std::size_t points) { return (points + kMostPoints - 1) / kMostPoints; }

PlotPoint mean_of(const PlotPoint* from, std::size_t count) {
  PlotPoint mean{0, 0, from->y, from->y};
  for (std::size_t i = 0; i < count; ++i) {
    mean.x += from[i].x;
    mean.y += from[i].y;
    mean.low = std::min(mean.low, from[i].y);
    mean.high = std::max(mean.high, from[i].y);
  }
  mean.x /= static_cast<double>(count);
  mean.y /= static_cast<double>(count);
  return mean;
}

struct Sum {
  double value = 0;
  double weight = 0;
};

}  // namespace

std::vector<PlotPoint> thinned(const std::vector<PlotPoint>& points) {
  std::vector<PlotPoint> finite;
  std::copy_if(points.begin(), points.end(), std::back_inserter(finite), is_drawn);
  const auto share = share_of(finite.size());
  if (share <= 1) return finite;
  std::vector<PlotPoint> few;
  few.reserve(kMostPoints);
  for (std::size_t i = 0; i < finite.size(); i += share) {
    few.push_back(mean_of(&finite[i], std::min(share, finite.size() - i)));
  }
  return few;
}

std::vector<PlotPoint> thinned_line(const std::vector<PlotPoint>& points) {
  auto line = thinned(points);
  for (auto& point : line) point.low = point.high = std::numeric_limits<double>::quiet_NaN();
  return line;
}

std::string thinning_note(std::size_t points) {
  if (share_of(points) <= 1) return "";
  return fmt::format("; each point is the mean of {} lines, the band from the least to the most", share_of(points));
}

std::vector<PlotPoint> smoothed(const std::vector<PlotPoint>& points) {
  std::vector<PlotPoint> smooth;
  std::copy_if(points.begin(), points.end(), std::back_inserter(smooth), is_drawn);
  const double span = std::max(5.0, static_cast<double>(smooth.size()) / 20);
  const double keep = 1 - 2 / (span + 1);
  std::vector<Sum> before(smooth.size());  // each point and those before it
  Sum sum;
  for (std::size_t i = 0; i < smooth.size(); ++i)
    before[i] = sum = {keep * sum.value + smooth[i].y, keep * sum.weight + 1};
  sum = {};
  for (std::size_t i = smooth.size(); i-- > 0;) {
    const double own = smooth[i].y;
    smooth[i].y = (before[i].value + keep * sum.value) / (before[i].weight + keep * sum.weight);
    sum = {keep * sum.value + own, keep * sum.weight + 1};
  }
  return smooth;
}

}  // namespace berth::report::html

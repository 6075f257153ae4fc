#include "core/statistics/variance.h"

#include <algorithm>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <limits>

#include "core/statistics/sample.h"

namespace berth::statistics {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Sums {
  double between = 0;
  double within = 0;
  double groups = 0;
  double values = 0;
};

// Sums of squares: of the groups' means around that of all, and of the values around their group's.
Sums sums_of(const Groups& groups) {
  std::vector<double> all;
  for (const auto& group : groups) all.insert(all.end(), group.begin(), group.end());
  const double grand = mean(all);
  Sums sums;
  for (const auto& group : groups) {
    const double middle = mean(group);
    sums.between += static_cast<double>(group.size()) * (middle - grand) * (middle - grand);
    for (const double value : group) sums.within += (value - middle) * (value - middle);
  }
  sums.groups = static_cast<double>(groups.size());
  sums.values = static_cast<double>(all.size());
  return sums;
}

Test f_test(const Sums& sums) {
  const double above = sums.groups - 1;
  const double below = sums.values - sums.groups;
  if (above < 1 || below < 1) return {kNaN, kNaN};
  const double f = (sums.between / above) / (sums.within / below);
  if (std::isnan(f)) return {kNaN, kNaN};
  if (std::isinf(f)) return {f, 0};
  return {f, boost::math::cdf(boost::math::complement(boost::math::fisher_f(above, below), f))};
}

bool is_any_empty(const Groups& groups) {
  return std::any_of(groups.begin(), groups.end(), [](const auto& group) { return group.empty(); });
}

}  // namespace

Test levene(const Groups& groups) {
  if (groups.size() < 2 || is_any_empty(groups)) return {kNaN, kNaN};
  auto distances = groups;
  for (auto& group : distances) {
    const double median = quantile(group, 0.5);
    for (double& value : group) value = std::abs(value - median);
  }
  return f_test(sums_of(distances));
}

Effect main_effect(const Groups& groups) {
  if (groups.empty() || is_any_empty(groups)) return {kNaN, {kNaN, kNaN}};
  const auto sums = sums_of(groups);
  return {sums.between / (sums.between + sums.within), f_test(sums)};
}

std::vector<std::size_t> quantile_bins(const std::vector<double>& values, std::size_t count) {
  auto sorted = values;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::size_t> bins;
  bins.reserve(values.size());
  for (const double value : values) {
    const auto rank = static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
    bins.push_back(rank * count / values.size());
  }
  return bins;
}

}  // namespace berth::statistics

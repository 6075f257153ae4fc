#include "core/statistics/sample.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace berth::statistics {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double mean(const std::vector<double>& values) {
  if (values.empty()) return kNaN;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return kNaN;
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

Interval t_interval(const std::vector<double>& values, double level) {
  if (values.size() < 2) return {kNaN, kNaN};
  const auto count = static_cast<double>(values.size());
  const boost::math::students_t student(count - 1);
  const double reach = boost::math::quantile(student, 0.5 + level / 2) * deviation(values) / std::sqrt(count);
  const double middle = mean(values);
  return {middle - reach, middle + reach};
}

double quantile(std::vector<double> values, double share) {
  if (values.empty() || std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return kNaN;
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  return values[below] + (place - std::floor(place)) * (values[below + 1] - values[below]);
}

}  // namespace berth::statistics

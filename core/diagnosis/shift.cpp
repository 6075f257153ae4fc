#include "core/diagnosis/shift.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <map>

namespace berth::diagnosis {
namespace {

constexpr double kPi = 3.14159265358979323846;

// The share of Kolmogorov's distribution above x.
double kolmogorov_tail(double x) {
  if (x <= 0) return 1;
  if (x < 1) {  // Jacobi's other form of the series, which converges fast here
    double below = 0;
    for (int k = 1; k <= 20; ++k) below += std::exp(-(2 * k - 1) * (2 * k - 1) * kPi * kPi / (8 * x * x));
    return 1 - std::sqrt(2 * kPi) / x * below;
  }
  double above = 0;
  for (int k = 1; k <= 20; ++k) above += (k % 2 == 1 ? 2 : -2) * std::exp(-2 * x * x * k * k);
  return above;
}

}  // namespace

LengthShift compare_lengths(std::vector<std::int64_t> first, std::vector<std::int64_t> second) {
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  const auto n = static_cast<double>(first.size());
  const auto m = static_cast<double>(second.size());
  LengthShift shift;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < first.size() && j < second.size()) {
    const auto length = std::min(first[i], second[j]);
    while (i < first.size() && first[i] == length) ++i;
    while (j < second.size() && second[j] == length) ++j;
    const double gap = static_cast<double>(i) / n - static_cast<double>(j) / m;
    shift.statistic = std::max(shift.statistic, std::abs(gap));
  }
  shift.p = kolmogorov_tail(shift.statistic * std::sqrt(n * m / (n + m)));
  return shift;
}

LabelShift compare_labels(const SampleSet& first, const SampleSet& second) {
  struct Counts {
    double first = 0;
    double second = 0;
  };
  std::map<std::string, Counts> counts;
  for (const auto& sample : first.samples) ++counts[sample.label].first;
  for (const auto& sample : second.samples) ++counts[sample.label].second;
  const auto n = static_cast<double>(first.samples.size());
  const auto m = static_cast<double>(second.samples.size());
  LabelShift shift;
  for (const auto& [label, count] : counts) {
    shift.shares.push_back({label, count.first / n, count.second / m});
    shift.total_variation += std::abs(count.first / n - count.second / m) / 2;
    const double both = (count.first + count.second) / (n + m);
    shift.chi_square +=
        std::pow(count.first - n * both, 2) / (n * both) + std::pow(count.second - m * both, 2) / (m * both);
  }
  if (counts.size() > 1) {
    shift.p = boost::math::gamma_q(static_cast<double>(counts.size() - 1) / 2, shift.chi_square / 2);
  }
  std::stable_sort(shift.shares.begin(), shift.shares.end(), [](const LabelShare& a, const LabelShare& b) {
    return std::abs(a.first - a.second) > std::abs(b.first - b.second);
  });
  return shift;
}

}  // namespace berth::diagnosis

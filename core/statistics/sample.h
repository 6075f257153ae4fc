// What a handful of scores says, one a seed: their mean, their deviation, and where the mean lies. Called by the
// commands that repeat runs.
#pragma once

#include <vector>

namespace berth::statistics {

// Both ends are NaN where there is no interval.
struct Interval {
  double low;
  double high;
};

// NaN of no values.
double mean(const std::vector<double>& values);

// Of a sample: the root of the squares' sum over n - 1. NaN of fewer than two values.
double deviation(const std::vector<double>& values);

// Student's t interval of the mean (Student 1908, "The probable error of a mean"): right for values that are normally
// distributed, and a fair guess for scores over seeds. level: in (0, 1). NaN of fewer than two values.
Interval t_interval(const std::vector<double>& values, double level = 0.95);

// The value below which a share of the values lies, in a straight line between neighbours (numpy's default). share: in
// [0, 1]. NaN of no values.
double quantile(std::vector<double> values, double share);

}  // namespace berth::statistics

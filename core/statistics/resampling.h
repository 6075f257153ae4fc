// How far a score on a set would move with other examples, and whether two systems differ by more than that. Works for
// scores that are no mean over examples too (F1, BLEU): the caller says what a selection of examples scores. Called by
// `berth matrix` and `berth compare --resamples`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/statistics/sample.h"

namespace berth::statistics {

// The score of the examples that are picked, some of them more than once; NaN where it is not defined.
using Statistic = std::function<double(const std::vector<std::size_t>& picks)>;

struct ResamplingOptions {
  std::int64_t resamples = 1000;
  double level = 0.95;
  std::uint64_t seed = 42;
};

// The scores of resamples, each as many examples as there are, drawn with replacement. The same seed draws the same
// examples, whatever they score: the resamples of several systems on one set can be put together, one by one.
std::vector<double> bootstrap_scores(std::size_t examples, const Statistic& statistic,
                                     const ResamplingOptions& options);

// The percentile bootstrap (Efron 1979, "Bootstrap methods"; Efron & Tibshirani 1993, chapter 13) of such scores. Those
// that are not defined are left out; NaN where none is. Too narrow below some 50 examples.
Interval percentile_interval(const std::vector<double>& scores, double level = 0.95);

struct Difference {
  double value;       // of the first system's score less the second's, on the set as it is
  Interval interval;  // of it, by the percentile bootstrap
  double p;           // how often chance alone gives a difference as large, in either direction
};

// The paired bootstrap (Koehn 2004, "Statistical significance tests for machine translation evaluation"), with p as
// Berg-Kirkpatrick, Burkett & Klein 2012 have it: the share of resamples whose difference is farther from the one
// found than that is from 0. (count + 1) / (resamples + 1), so never 0.
Difference paired_bootstrap(std::size_t examples, const Statistic& first, const Statistic& second,
                            const ResamplingOptions& options);

// The first system's score less the second's, where the two have exchanged their answers to some examples.
using ExchangedDifference = std::function<double(const std::vector<bool>& is_exchanged)>;

// Approximate randomisation (Noreen 1989; Yeh 2000, "More accurate tests for the statistical significance of result
// differences"): were both systems alike, each answer could as well be the other's. p is the share of random exchanges
// with a difference as large as the one found, in either direction; (count + 1) / (resamples + 1).
double approximate_randomisation(std::size_t examples, const ExchangedDifference& difference,
                                 const ResamplingOptions& options);

}  // namespace berth::statistics

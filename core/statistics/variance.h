// Whether groups of scores differ: in their means (which setting matters), or in their spread (which setting is
// steadier). Called by `berth sweep`.
#pragma once

#include <cstddef>
#include <vector>

namespace berth::statistics {

using Groups = std::vector<std::vector<double>>;

// NaN where the groups don't define it.
struct Test {
  double statistic;
  double p;
};

// Levene's test of equal spread, with distances from each group's median (Levene 1960; Brown & Forsythe 1974, "Robust
// tests for the equality of variances"): scipy.stats.levene's default. NaN for fewer than two groups, an empty one, or
// where no value is off its group's median.
Test levene(const Groups& groups);

// What a setting alone explains of the scores.
struct Effect {
  double eta_squared;  // from 0, nothing, to 1, everything
  Test test;           // F, and how often chance alone gives one as large
};

// The importance of a setting: the correlation ratio eta squared (Fisher 1925, "Statistical Methods for Research
// Workers"), the sum of squares between the groups of scores that share the setting's value over the whole, with the F
// test of a one-way analysis of variance. It stands in place of fANOVA (Hutter, Hoos & Leyton-Brown 2014), which asks
// the same of a random forest fitted to the scores: on a full grid the main effects are the same, and no model comes
// between. What it can't see: a setting that matters only together with another, and, outside of a grid, whether a
// setting mattered or another one that happened to go along with it. With few runs it is too large; p says so.
Effect main_effect(const Groups& groups);

// For settings that are drawn from a range: which of `count` parts of equal size each value lies in, from 0. Equal
// values lie in one part.
std::vector<std::size_t> quantile_bins(const std::vector<double>& values, std::size_t count);

}  // namespace berth::statistics

// Is a set drawn from where train was drawn from? Lengths by the two-sample Kolmogorov-Smirnov test (Smirnov 1948),
// labels by Pearson's chi-square test of homogeneity.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/diagnosis/samples.h"

namespace berth::diagnosis {

struct LengthShift {
  double statistic = 0;  // the largest gap between the two shares of sequences that are at most so long; 0 to 1
  double p = 1;          // by the limit distribution; lengths being whole numbers, it is rather too large
};

// Neither is empty.
LengthShift compare_lengths(std::vector<std::int64_t> first, std::vector<std::int64_t> second);

struct LabelShare {
  std::string label;
  double first = 0;
  double second = 0;
};

struct LabelShift {
  double total_variation = 0;  // half the sum of the gaps between shares: what part of the labels would have to change
  double chi_square = 0;
  double p = 1;                    // 1 where all have the same label
  std::vector<LabelShare> shares;  // by their gap, the widest first
};

// Counts each sample's label. Neither is empty.
LabelShift compare_labels(const SampleSet& first, const SampleSet& second);

}  // namespace berth::diagnosis

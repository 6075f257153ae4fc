// Counting decisions by label and scoring the counts: what the meters share.
#pragma once

#include <string_view>
#include <vector>

#include "berth/kit/json.h"
#include "berth/kit/meters.h"

namespace berth::kit {

// A label's decisions, as far as the scores need them.
struct Tally {
  double both = 0;
  double truth = 0;
  double predicted = 0;
};

PrecisionRecall scores_of(const Tally& tally);

// Of no labels, micro and weighted are 0, and macro too.
AveragedPrecisionRecall averages_of(const std::vector<Tally>& labels);

// All NaN: what no examples score.
AveragedPrecisionRecall undefined_averages();

// A meter's state, however large.
Json parse_state(std::string_view state);

[[noreturn]] void wrong_state();

}  // namespace berth::kit

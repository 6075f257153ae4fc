// An answer of the task as report.html and the page of `berth serve` show it.
#pragma once

#include "berth/display.h"
#include "example.h"
#include "prediction.h"

namespace berth::classification {

// Labels are those that metrics compare. error is, of a single label, -log of the probability of the right one; of
// several, the sum over the wrong ones of -log of the probability of the opposite; of a number, how far off it is.
// Decisions: the label; each label that is true or predicted, "" where it is not; none for a number.
Shown show_answer(const ClassificationExample& example, const ClassificationPrediction& prediction);

}  // namespace berth::classification

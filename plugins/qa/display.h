// An answer of the task as report.html and the page of `berth serve` show it.
#pragma once

#include "berth/display.h"
#include "example.h"
#include "prediction.h"

namespace berth::qa {

// The question, and the context with the answer and the true ones marked where they stand. error: 1 - F1, by the rules
// of the task's metric. The one decision: is there an answer ("answer") or none (""); it is right where the answer is
// an exact match.
Shown show_answer(const QaExample& example, const QaPrediction& prediction);

}  // namespace berth::qa

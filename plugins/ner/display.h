// An answer of the task as report.html and the page of `berth serve` show it.
#pragma once

#include "berth/display.h"
#include "example.h"
#include "prediction.h"

namespace berth::ner {

// The sentence with the entities found and the true ones marked. As metrics count them, an entity is right where both
// words and type are. error: 1 for each that was missed, and for each found wrongly its probability.
// Decisions: one for each pair of a true and a found entity that are equal, or have the same words or share some but
// differ in type; any other is missed ("" is the answer) or invented ("" is the truth), also one with other borders
// alone: taken for right it would stand among those that are.
Shown show_answer(const NerExample& example, const NerPrediction& prediction);

}  // namespace berth::ner

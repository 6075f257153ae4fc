// An answer of the task as report.html and the page of `berth serve` show it.
#pragma once

#include "berth/display.h"
#include "example.h"
#include "prediction.h"

namespace berth::seq2seq {

// The source, then the prediction. A run of words that was copied is marked in both with the same link. error: 1 - F of
// the longest common subsequence of words, which is ROUGE-L's. The one decision has neither truth nor answer, only the
// probability of the whole answer and whether it is the target: for calibration.
Shown show_answer(const Seq2SeqExample& example, const Seq2SeqPrediction& prediction);

}  // namespace berth::seq2seq

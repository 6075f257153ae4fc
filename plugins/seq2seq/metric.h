// The scores of answers against targets.
#pragma once

#include <memory>
#include <string>

#include "berth/metric.h"
#include "bleu.h"
#include "rouge.h"

namespace berth::seq2seq {

struct MetricOptions {
  std::string primary = "exact_match";  // one of the scores
  BleuTokenizer bleu = BleuTokenizer::k13a;
  Stemming rouge = Stemming::kNone;
};

// exact_match, token_accuracy, bleu, rouge_1, rouge_2, rouge_l. Sees Seq2SeqPrediction; throws Error kContent for an
// example without a target.
std::unique_ptr<Metric> make_seq2seq_metric(const MetricOptions& options);

}  // namespace berth::seq2seq

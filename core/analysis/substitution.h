// Which layers a task needs as they were trained: the score with one of them put back to what it was before training.
// (Merchant et al. 2020, section 4.3, freeze layers instead; putting them back needs no further training.) Called by
// the analysis of a run.
#pragma once

#include <string>
#include <vector>

#include "core/evaluation/evaluator.h"
#include "core/model/encoder.h"

namespace berth::analysis {

struct Substitution {
  std::string group;  // "embeddings", "layers.3", "pooler"
  double score = 0;   // the task's primary one
};

// after: the trained encoder, which model.encoder is, too; each group is put back in turn and then restored. Groups
// that training left alone are left out. set: made with Keep::kExamples.
std::vector<Substitution> substitute(const evaluation::TaskModel& model, const NamedTensors& before,
                                     const data::TaskData& set, const evaluation::EvaluationOptions& options);

}  // namespace berth::analysis

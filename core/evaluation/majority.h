// What a set's most frequent label alone would score: a run that is no better has learned nothing.
#pragma once

#include <optional>

#include "core/data/task_data.h"
#include "core/evaluation/evaluator.h"

namespace berth::evaluation {

// The share of the most frequent Task::label() among the set's examples, where that is a score of its own: the
// primary score is called "accuracy", and every example has a label, of which there are two or more. A label is a
// label's name for a task with labels; elsewhere ("f1", "pearson") nothing is known.
std::optional<double> majority_accuracy(const plugin::LoadedTask& task, const data::TaskData& set,
                                        const Score& primary);

}  // namespace berth::evaluation

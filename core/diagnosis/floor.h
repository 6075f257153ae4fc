// What a bag of words makes of a task with labels: the floor below which a fine-tuned BERT has learned nothing of
// language; and, from the same model cross-fitted on train, labels that look wrong.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/diagnosis/confident_learning.h"
#include "core/diagnosis/samples.h"

namespace berth::diagnosis {

struct FloorScore {
  std::string set;
  double majority = 0;  // share of the set that has train's most frequent label
  double accuracy = 0;
  double f1_macro = 0;
};

struct Floor {
  std::vector<std::string> labels;
  FloorScore cross_fitted;         // train, each text by a model that has not seen it
  std::vector<FloorScore> scores;  // of the further sets whose labels are train's
  // In train; indices into labels and train's samples. Nothing where the bag of words makes more than half the errors
  // of always giving the most frequent label: who knows so little is no judge of others.
  std::optional<std::vector<LabelIssue>> issues;
};

// Texts are dealt to this many parts, each label's in turn, for cross-fitting.
constexpr std::size_t kFolds = 5;
// A task of more different tokens a text, summed over texts, times labels is not looked at: it would take minutes.
constexpr std::size_t kMostWork = 20'000'000;

// The sets, train first; or why there is no floor, as a half-sentence.
std::variant<Floor, std::string> find_floor(const std::vector<SampleSet>& sets);

}  // namespace berth::diagnosis

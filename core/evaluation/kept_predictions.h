// A set's examples with a model's predictions, to be scored again and again: on resamples of the set, or with another
// model's answers to some of the examples. Works for any plugin, since its own metric does the scoring.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/evaluation/evaluator.h"

namespace berth::evaluation {

class KeptPredictions {
 public:
  // Predicts. data: made with Keep::kExamples; it and the task outlive this.
  KeptPredictions(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options);

  std::size_t size() const { return predictions_.size(); }
  const Example& example(std::size_t index) const { return *data_.examples[index]; }
  std::string json(std::size_t index) const { return task_.json(example(index)); }  // the example's

  // The primary score over the set as it is.
  Score primary() const;

  // Over the examples picked, some of them more than once.
  double score(const std::vector<std::size_t>& picks) const;

  // Over the set, with the other's answers where is_other says so. Each task judges the answers that are its own, as
  // when the parts of a set are scored by several processes: labels may be numbered otherwise.
  double mixed_score(const KeptPredictions& other, const std::vector<bool>& is_other) const;

 private:
  void add(Metric& metric, std::size_t index) const;

  const plugin::LoadedTask& task_;
  const data::TaskData& data_;
  std::vector<std::unique_ptr<Prediction>> predictions_;
};

}  // namespace berth::evaluation

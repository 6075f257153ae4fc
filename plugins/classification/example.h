// One row of a classification set: a text or a pair of texts, and what is true of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/dataset.h"

namespace berth::classification {

enum class Kind : std::uint8_t {
  kSingleLabel,  // one label a text
  kMultiLabel,   // any number of labels
  kRegression,   // a number
};

// How a set's labels and the task's answer to each other, where they differ.
struct LabelMaps {
  std::map<std::string, std::string> labels;       // the set's to the task's: for the loss, and for the metrics
  std::map<std::string, std::string> predictions;  // the task's to the set's: for the metrics, instead
};

class ClassificationExample : public Example {
 public:
  std::string text;
  std::optional<std::string> pair;
  std::optional<std::vector<std::string>> labels;  // as the set names them, one for kSingleLabel; absent in predict
  std::optional<double> number;                    // of kRegression
  std::shared_ptr<const LabelMaps> maps;           // of its set
  std::string fields;                              // the row as a JSON object

  std::string json() const override { return fields; }

  // The labels in the task's names. Nothing where there are none, or where only the predictions are mapped: a
  // "non-entailment" then is no label of the task, and the example has no loss.
  std::optional<std::vector<std::string>> task_labels() const;

  // The labels as metrics compare them: the set's own names where the predictions are mapped to these, else the task's.
  std::optional<std::vector<std::string>> metric_labels() const;
  // One of the task's labels as metrics compare it.
  const std::string& metric_label(const std::string& predicted) const;
};

}  // namespace berth::classification

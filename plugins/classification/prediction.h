// The answer for one text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/kit/labels.h"
#include "berth/metric.h"
#include "example.h"

namespace berth::classification {

// logits of one text become probabilities: of the labels together (they sum to 1), or of each by itself.
std::vector<double> softmax(const std::vector<double>& logits);
std::vector<double> sigmoid(const std::vector<double>& logits);

// How logits become an answer.
struct DecisionRule {
  Kind kind = Kind::kSingleLabel;
  double threshold = 0.5;  // of kMultiLabel
  double temperature = 1;  // logits are divided by it for probabilities; not for kRegression
};

class ClassificationPrediction final : public Prediction {
 public:
  // kSingleLabel: the likeliest label, the first of equal ones. kMultiLabel: all of at least the threshold.
  // kRegression: the logit itself; it has no labels.
  ClassificationPrediction(const DecisionRule& rule, std::shared_ptr<const kit::LabelSet> labels,
                           std::vector<double> logits);

  const std::vector<std::string>& labels() const { return predicted_; }  // one for kSingleLabel
  double number() const { return number_; }
  Kind kind() const { return rule_.kind; }
  const std::vector<double>& probabilities() const { return probabilities_; }  // by label; none for kRegression
  const kit::LabelSet& task_labels() const { return *labels_; }
  const std::vector<double>& logits() const { return logits_; }  // as the head gave them
  std::vector<double> scaled_logits() const;                     // divided by the temperature
  double temperature() const { return rule_.temperature; }

  // {"prediction": "label", "probabilities": {"label": 0.9, ...}}, {"prediction": ["a", "b"], "probabilities": ...} or
  // {"prediction": 3.5}
  std::string json() const override;

 private:
  DecisionRule rule_;
  std::shared_ptr<const kit::LabelSet> labels_;
  std::vector<double> logits_;
  std::vector<double> probabilities_;
  std::vector<std::string> predicted_;
  double number_ = 0;
};

}  // namespace berth::classification

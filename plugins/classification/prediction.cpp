#include "prediction.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "berth/kit/json.h"

namespace berth::classification {

std::vector<double> softmax(const std::vector<double>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> result;
  double sum = 0;
  for (const double logit : logits) sum += result.emplace_back(std::exp(logit - largest));
  for (double& value : result) value /= sum;
  return result;
}

std::vector<double> sigmoid(const std::vector<double>& logits) {
  std::vector<double> result;
  for (const double logit : logits) result.push_back(1 / (1 + std::exp(-logit)));
  return result;
}

ClassificationPrediction::ClassificationPrediction(const DecisionRule& rule,
                                                   std::shared_ptr<const kit::LabelSet> labels,
                                                   std::vector<double> logits)
    : rule_(rule), labels_(std::move(labels)), logits_(std::move(logits)) {
  if (rule_.kind == Kind::kRegression) {
    number_ = logits_.front();
  } else if (rule_.kind == Kind::kMultiLabel) {
    probabilities_ = sigmoid(scaled_logits());
    for (std::size_t i = 0; i < probabilities_.size(); ++i) {
      if (probabilities_[i] >= rule_.threshold) predicted_.push_back(labels_->names()[i]);
    }
  } else {
    probabilities_ = softmax(scaled_logits());
    const auto best = std::max_element(logits_.begin(), logits_.end());
    predicted_ = {labels_->names()[static_cast<std::size_t>(best - logits_.begin())]};
  }
}

std::vector<double> ClassificationPrediction::scaled_logits() const {
  std::vector<double> scaled = logits_;
  for (double& logit : scaled) logit /= rule_.temperature;
  return scaled;
}

std::string ClassificationPrediction::json() const {
  kit::Json object;
  if (rule_.kind == Kind::kRegression) {
    object.set("prediction", number_);
    return kit::dump_json(object);
  }
  if (rule_.kind == Kind::kMultiLabel) {
    object.set("prediction", kit::Json::Array(predicted_.begin(), predicted_.end()));
  } else {
    object.set("prediction", predicted_.front());
  }
  kit::Json::Object probabilities;
  for (std::size_t i = 0; i < probabilities_.size(); ++i) {
    probabilities.push_back({labels_->names()[i], probabilities_[i]});
  }
  object.set("probabilities", std::move(probabilities));
  return kit::dump_json(object);
}

}  // namespace berth::classification

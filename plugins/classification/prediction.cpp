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

ClassificationPrediction::ClassificationPrediction(Kind kind, std::shared_ptr<const kit::LabelSet> labels,
                                                   const std::vector<double>& logits, double threshold)
    : kind_(kind), labels_(std::move(labels)) {
  if (kind_ == Kind::kRegression) {
    number_ = logits.front();
  } else if (kind_ == Kind::kMultiLabel) {
    probabilities_ = sigmoid(logits);
    for (std::size_t i = 0; i < probabilities_.size(); ++i) {
      if (probabilities_[i] >= threshold) predicted_.push_back(labels_->names()[i]);
    }
  } else {
    probabilities_ = softmax(logits);
    const auto best = std::max_element(logits.begin(), logits.end());
    predicted_ = {labels_->names()[static_cast<std::size_t>(best - logits.begin())]};
  }
}

std::string ClassificationPrediction::json() const {
  kit::Json object;
  if (kind_ == Kind::kRegression) {
    object.set("prediction", number_);
    return kit::dump_json(object);
  }
  if (kind_ == Kind::kMultiLabel) {
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

#include "core/evaluation/kept_predictions.h"

#include <algorithm>

namespace berth::evaluation {

KeptPredictions::KeptPredictions(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options)
    : task_(model.task), data_(data) {
  predict_owned(model, data, options, [this](const Example&, std::unique_ptr<Prediction> prediction) {
    predictions_.push_back(std::move(prediction));
  });
}

void KeptPredictions::add(Metric& metric, std::size_t index) const {
  plugin::guarded(task_.site("metric"), [&] { metric.add(*data_.examples[index], *predictions_[index]); });
}

Score KeptPredictions::primary_of(const Metric& metric) const {
  const auto scores = plugin::guarded(task_.site("metric"), [&] { return metric.result(); });
  const auto found = std::find_if(scores.begin(), scores.end(), [](const Score& s) { return s.is_primary; });
  if (found != scores.end()) return *found;
  throw Error(ErrorKind::kPlugin, task_.owner() + ", metric: none of its scores is primary, expected exactly one");
}

Score KeptPredictions::primary() const {
  const auto metric = task_.make_metric();
  for (std::size_t i = 0; i < size(); ++i) add(*metric, i);
  return primary_of(*metric);
}

double KeptPredictions::score(const std::vector<std::size_t>& picks) const {
  const auto metric = task_.make_metric();
  for (const auto pick : picks) add(*metric, pick);
  return primary_of(*metric).value;
}

double KeptPredictions::mixed_score(const KeptPredictions& other, const std::vector<bool>& is_other) const {
  const auto own = task_.make_metric();
  const auto others = other.task_.make_metric();
  for (std::size_t i = 0; i < size(); ++i) {
    if (is_other[i]) {
      other.add(*others, i);
    } else {
      add(*own, i);
    }
  }
  plugin::guarded(task_.site("metric"), [&] { own->merge(others->state()); });
  return primary_of(*own).value;
}

}  // namespace berth::evaluation

#include "core/evaluation/kept_predictions.h"

namespace berth::evaluation {

KeptPredictions::KeptPredictions(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options)
    : task_(model.task), data_(data) {
  predict_owned(model, data, options, [this](const Example&, std::unique_ptr<Prediction> prediction) {
    predictions_.push_back(std::move(prediction));
  });
}

void KeptPredictions::add(Metric& metric, std::size_t index) const {
  task_.add(metric, *data_.examples[index], *predictions_[index]);
}

Score KeptPredictions::primary() const {
  const auto metric = task_.make_metric();
  for (std::size_t i = 0; i < size(); ++i) add(*metric, i);
  return primary_of(task_.scores(*metric));
}

double KeptPredictions::score(const std::vector<std::size_t>& picks) const {
  const auto metric = task_.make_metric();
  for (const auto pick : picks) add(*metric, pick);
  return primary_of(task_.scores(*metric)).value;
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
  return primary_of(task_.scores(*own)).value;
}

}  // namespace berth::evaluation

// The scores of each kind of task.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/metric.h"
#include "example.h"

namespace berth::classification {

struct MetricOptions {
  Kind kind = Kind::kSingleLabel;
  std::string primary;        // one of score_names()
  std::string positive;       // the label whose own precision, recall and f1 are reported as well; "": none
  bool keeps_logits = false;  // for best_temperature()
};

// What the metric of these options reports, in order; `primary` is not looked at.
std::vector<std::string> score_names(const MetricOptions& options);

// ece, brier, nll: those that a temperature changes.
bool is_calibration_score(const std::string& name);

std::unique_ptr<Metric> make_classification_metric(const MetricOptions& options);

// The temperature that suits the texts that this metric saw; it was made with keeps_logits, and not for kRegression.
double best_temperature(const Metric& metric);

}  // namespace berth::classification

#include "metric.h"

#include <utility>

#include "berth/error.h"
#include "berth/kit/meters.h"
#include "prediction.h"

namespace berth::classification {
namespace {

const ClassificationExample& checked(const Example& example) {
  const auto& own = static_cast<const ClassificationExample&>(example);
  if (own.labels || own.number) return own;
  throw Error(ErrorKind::kContent, own.where, "the example has no label, so that it can't be scored; add the label");
}

std::vector<std::string> metric_labels(const ClassificationExample& example, const ClassificationPrediction& answer) {
  std::vector<std::string> labels;
  for (const std::string& label : answer.labels()) labels.push_back(example.metric_label(label));
  return labels;
}

void append(std::vector<Score>& scores, const kit::PrecisionRecall& value, const std::string& suffix) {
  scores.push_back({"precision" + suffix, value.precision});
  scores.push_back({"recall" + suffix, value.recall});
  scores.push_back({"f1" + suffix, value.f1});
}

void append(std::vector<Score>& scores, const kit::AveragedPrecisionRecall& averages) {
  append(scores, averages.micro, "_micro");
  append(scores, averages.macro, "_macro");
  append(scores, averages.weighted, "_weighted");
}

// What the three kinds share: which score is the primary one.
class ClassificationMetric : public Metric {
 public:
  explicit ClassificationMetric(MetricOptions options) : options_(std::move(options)) {}

  std::vector<Score> result() const final {
    std::vector<Score> all = scores();
    for (Score& score : all) score.is_primary = score.name == options_.primary;
    return all;
  }

 protected:
  virtual std::vector<Score> scores() const = 0;
  const MetricOptions& options() const { return options_; }

 private:
  MetricOptions options_;
};

class SingleLabelMetric final : public ClassificationMetric {
 public:
  using ClassificationMetric::ClassificationMetric;

  void add(const Example& example, const Prediction& prediction) override {
    const ClassificationExample& own = checked(example);
    const auto& answer = static_cast<const ClassificationPrediction&>(prediction);
    meter_.add(own.metric_labels()->front(), own.metric_label(answer.labels().front()));
  }
  std::string state() const override { return meter_.state(); }
  void merge(std::string_view state) override { meter_.merge(state); }

 protected:
  std::vector<Score> scores() const override {
    std::vector<Score> scores = {{"accuracy", meter_.accuracy()}};
    append(scores, meter_.averages());
    scores.push_back({"matthews", meter_.matthews()});
    if (!options().positive.empty()) append(scores, meter_.of(options().positive), "");
    return scores;
  }

 private:
  kit::ConfusionMeter meter_;
};

class MultiLabelMetric final : public ClassificationMetric {
 public:
  using ClassificationMetric::ClassificationMetric;

  void add(const Example& example, const Prediction& prediction) override {
    const ClassificationExample& own = checked(example);
    const auto& answer = static_cast<const ClassificationPrediction&>(prediction);
    if (meter_.examples() == 0) {
      for (const std::string& label : answer.task_labels().names()) meter_.declare(own.metric_label(label));
    }
    meter_.add(*own.metric_labels(), metric_labels(own, answer));
  }
  std::string state() const override { return meter_.state(); }
  void merge(std::string_view state) override { meter_.merge(state); }

 protected:
  std::vector<Score> scores() const override {
    std::vector<Score> scores = {{"accuracy", meter_.accuracy()}};
    append(scores, meter_.averages());
    if (!options().positive.empty()) append(scores, meter_.of(options().positive), "");
    return scores;
  }

 private:
  kit::MultiLabelMeter meter_;
};

class RegressionMetric final : public ClassificationMetric {
 public:
  using ClassificationMetric::ClassificationMetric;

  void add(const Example& example, const Prediction& prediction) override {
    meter_.add(*checked(example).number, static_cast<const ClassificationPrediction&>(prediction).number());
  }
  std::string state() const override { return meter_.state(); }
  void merge(std::string_view state) override { meter_.merge(state); }

 protected:
  std::vector<Score> scores() const override {
    return {{"pearson", meter_.pearson()},
            {"spearman", meter_.spearman()},
            {"mse", meter_.mean_squared_error(), Direction::kLowerIsBetter},
            {"mae", meter_.mean_absolute_error(), Direction::kLowerIsBetter}};
  }

 private:
  kit::RegressionMeter meter_;
};

}  // namespace

std::vector<std::string> score_names(const MetricOptions& options) {
  std::vector<std::string> names;
  for (const Score& score : make_classification_metric(options)->result()) names.push_back(score.name);
  return names;
}

std::unique_ptr<Metric> make_classification_metric(const MetricOptions& options) {
  switch (options.kind) {
    case Kind::kMultiLabel:
      return std::make_unique<MultiLabelMetric>(options);
    case Kind::kRegression:
      return std::make_unique<RegressionMetric>(options);
    case Kind::kSingleLabel:
      break;
  }
  return std::make_unique<SingleLabelMetric>(options);
}

}  // namespace berth::classification

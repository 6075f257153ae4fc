#include "metric.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "berth/error.h"
#include "berth/kit/json.h"
#include "berth/kit/meters.h"
#include "calibration.h"
#include "prediction.h"
#include "temperature.h"

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

// What single and multi-label share: how well the probabilities are calibrated.
class LabelMetric : public ClassificationMetric {
 public:
  using ClassificationMetric::ClassificationMetric;

  std::string state() const final {
    kit::Json::Array texts;
    for (const LabelledLogits& text : texts_) {
      const kit::Json::Array logits(text.logits.begin(), text.logits.end());
      texts.push_back(kit::Json::Array{logits, kit::Json::Array(text.truth.begin(), text.truth.end())});
    }
    kit::Json state;
    state.set("labels", label_state());
    state.set("decisions", calibration_.state());
    state.set("temperature", temperature_);
    state.set("texts", texts);
    return kit::dump_json(state);
  }

  void merge(std::string_view text) final {
    const kit::Json state = kit::parse_json(text, {}, {std::numeric_limits<std::size_t>::max()});
    merge_labels(state.at("labels").as_string());
    calibration_.merge(state.at("decisions"));
    temperature_ = state.at("temperature").as_double();
    for (const kit::Json& pair : state.at("texts").as_array()) {
      LabelledLogits& added = texts_.emplace_back();
      for (const kit::Json& logit : pair.as_array().at(0).as_array()) added.logits.push_back(logit.as_double());
      for (const kit::Json& label : pair.as_array().at(1).as_array()) {
        added.truth.push_back(static_cast<std::size_t>(label.as_int()));
      }
    }
  }

  std::vector<ResultFile> files() const final {
    kit::Json table;
    table.set("temperature", temperature_);
    table.set("ece", calibration_.expected_error());
    table.set("bins", calibration_.table());
    return {{"calibration.json", kit::dump_json(table) + "\n"}};
  }

  double best_temperature() const { return find_temperature(options().kind, texts_); }

 protected:
  virtual std::string label_state() const = 0;
  virtual void merge_labels(std::string_view state) = 0;

  void calibrate(const Decision& decision) { calibration_.add(decision); }

  void remember(const ClassificationExample& example, const ClassificationPrediction& answer) {
    temperature_ = answer.temperature();
    const auto labels = example.task_labels();
    if (!options().keeps_logits || !labels) return;
    LabelledLogits text{answer.logits(), {}};
    for (const std::string& label : *labels) {
      text.truth.push_back(static_cast<std::size_t>(answer.task_labels().index(label, example.where)));
    }
    texts_.push_back(std::move(text));
  }

  void append_calibration(std::vector<Score>& scores) const {
    scores.push_back({"ece", calibration_.expected_error(), Direction::kLowerIsBetter});
    scores.push_back({"brier", calibration_.brier(), Direction::kLowerIsBetter});
    scores.push_back({"nll", calibration_.nll(), Direction::kLowerIsBetter});
  }

 private:
  CalibrationMeter calibration_;
  std::vector<LabelledLogits> texts_;
  double temperature_ = 1;
};

class SingleLabelMetric final : public LabelMetric {
 public:
  using LabelMetric::LabelMetric;

  void add(const Example& example, const Prediction& prediction) override {
    const ClassificationExample& own = checked(example);
    const auto& answer = static_cast<const ClassificationPrediction&>(prediction);
    const std::string truth = own.metric_labels()->front();
    const std::string& predicted = own.metric_label(answer.labels().front());
    meter_.add(truth, predicted);
    std::vector<std::string> names;
    for (const std::string& label : answer.task_labels().names()) names.push_back(own.metric_label(label));
    calibrate(judge_label({answer.scaled_logits(), names, truth, predicted}));
    remember(own, answer);
  }

 protected:
  std::string label_state() const override { return meter_.state(); }
  void merge_labels(std::string_view state) override { meter_.merge(state); }

  std::vector<Score> scores() const override {
    std::vector<Score> scores = {{"accuracy", meter_.accuracy()}};
    append(scores, meter_.averages());
    scores.push_back({"matthews", meter_.matthews()});
    if (!options().positive.empty()) append(scores, meter_.of(options().positive), "");
    append_calibration(scores);
    return scores;
  }

 private:
  kit::ConfusionMeter meter_;
};

class MultiLabelMetric final : public LabelMetric {
 public:
  using LabelMetric::LabelMetric;

  void add(const Example& example, const Prediction& prediction) override {
    const ClassificationExample& own = checked(example);
    const auto& answer = static_cast<const ClassificationPrediction&>(prediction);
    if (meter_.examples() == 0) {
      for (const std::string& label : answer.task_labels().names()) meter_.declare(own.metric_label(label));
    }
    meter_.add(*own.metric_labels(), metric_labels(own, answer));
    calibrate_labels(own, answer);
    remember(own, answer);
  }

 protected:
  std::string label_state() const override { return meter_.state(); }
  void merge_labels(std::string_view state) override { meter_.merge(state); }

  std::vector<Score> scores() const override {
    std::vector<Score> scores = {{"accuracy", meter_.accuracy()}};
    append(scores, meter_.averages());
    if (!options().positive.empty()) append(scores, meter_.of(options().positive), "");
    append_calibration(scores);
    return scores;
  }

 private:
  // In the task's labels alone: that several of them go to one of the set's says nothing about its probability.
  void calibrate_labels(const ClassificationExample& example, const ClassificationPrediction& answer) {
    const auto truth = example.task_labels();
    if (!truth) return;
    const std::vector<double> scores = answer.scaled_logits();
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const std::string& name = answer.task_labels().names()[i];
      calibrate(judge_yes(scores[i], std::find(truth->begin(), truth->end(), name) != truth->end()));
    }
  }

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

bool is_calibration_score(const std::string& name) { return name == "ece" || name == "brier" || name == "nll"; }

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

double best_temperature(const Metric& metric) { return static_cast<const LabelMetric&>(metric).best_temperature(); }

}  // namespace berth::classification

// Streaming scores, as scikit-learn (zero_division=0) and scipy define them. Each meter counts what it is shown;
// state() and merge() carry the counts between processes, so that the parts together score exactly as the whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::kit {

struct PrecisionRecall {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

// The three usual averages over labels.
struct AveragedPrecisionRecall {
  PrecisionRecall micro;     // over all decisions together
  PrecisionRecall macro;     // every label alike
  PrecisionRecall weighted;  // every label by how often it is true
};

// One true and one predicted label an example. Averages run over the labels that were true or predicted at least once.
// Without examples every score is NaN.
class ConfusionMeter {
 public:
  void add(const std::string& truth, const std::string& prediction) { ++counts_[{truth, prediction}]; }

  std::int64_t examples() const;
  double accuracy() const;
  PrecisionRecall of(const std::string& label) const;
  AveragedPrecisionRecall averages() const;
  double matthews() const;  // for any number of labels; 0 where truth or predictions are all the same

  std::string state() const;
  void merge(std::string_view state);  // throws Error kContent for what is no state of this meter

 private:
  std::map<std::pair<std::string, std::string>, std::int64_t> counts_;  // by truth, prediction
};

// Any number of true and of predicted labels an example. Averages run over the labels declared and seen.
class MultiLabelMeter {
 public:
  // A label that averages count even if it is never seen.
  void declare(const std::string& label) { labels_[label]; }
  void add(const std::vector<std::string>& truth, const std::vector<std::string>& prediction);

  std::int64_t examples() const { return examples_; }
  double accuracy() const;  // share of examples whose labels are all right
  PrecisionRecall of(const std::string& label) const;
  AveragedPrecisionRecall averages() const;

  std::string state() const;
  void merge(std::string_view state);

 private:
  struct Counts {
    std::int64_t both = 0;  // true and predicted
    std::int64_t truth = 0;
    std::int64_t predicted = 0;
  };

  std::map<std::string, Counts> labels_;
  std::int64_t examples_ = 0;
  std::int64_t exact_ = 0;
};

// Numbers against numbers. Keeps all pairs (16 bytes each), which ranks need; the order of adding changes nothing.
// Correlations of fewer than 2 pairs, of a constant, or with a NaN among them are NaN.
class RegressionMeter {
 public:
  void add(double truth, double prediction) { pairs_.emplace_back(truth, prediction); }

  std::int64_t examples() const { return static_cast<std::int64_t>(pairs_.size()); }
  double mean_squared_error() const;
  double mean_absolute_error() const;
  double pearson() const;
  double spearman() const;  // ties have the mean of their ranks

  std::string state() const;
  void merge(std::string_view state);

 private:
  std::vector<std::pair<double, double>> sorted() const;

  std::vector<std::pair<double, double>> pairs_;
};

}  // namespace berth::kit

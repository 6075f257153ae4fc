// Do the probabilities mean what they say? Of the answers that claim 80%, 80% should be right. The metric feeds it.
//   expected calibration error: Naeini, Cooper & Hauskrecht 2015, with the 15 bins of equal width of Guo, Pleiss, Sun &
//     Weinberger 2017, "On Calibration of Modern Neural Networks"
//   Brier score: Brier 1950; for one label of several the sum over all labels, 0 to 2, as in that paper (scikit-learn's
//     brier_score_loss with scale_by_half=False)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "berth/kit/json.h"

namespace berth::classification {

// One probability that can turn out right or wrong, with the scores of what it belongs to.
struct Decision {
  double confidence = 0;  // the probability of what was answered; multi-label: of a yes
  bool came_true = false;
  double brier = 0;
  double nll = 0;  // negative logarithm of the probability of what is true
};

class CalibrationMeter {
 public:
  static constexpr std::size_t kBins = 15;

  void add(const Decision& decision) { decisions_.push_back(decision); }

  // NaN without decisions.
  double expected_error() const;
  double brier() const;
  double nll() const;

  // The reliability table: [{"from", "to", "count", "confidence", "accuracy"}, ...]; the last two are means, null in an
  // empty bin. A probability on the border of two bins is in the lower one.
  kit::Json table() const;

  kit::Json state() const;
  void merge(const kit::Json& state);  // throws Error kContent for what is no state of this meter

 private:
  struct Bin {
    std::int64_t count = 0;
    double confidence = 0;  // sum
    double right = 0;
  };

  std::vector<Bin> bins() const;

  std::vector<Decision> decisions_;
};

// The decision of a text that has one label. scores: the logits as answered (divided by the temperature). names: the
// label of each as metrics compare it; labels of equal name are one, their probabilities added.
struct LabelledScores {
  const std::vector<double>& scores;
  const std::vector<std::string>& names;
  const std::string& truth;
  const std::string& answer;
};
Decision judge_label(const LabelledScores& labelled);

// The decision "has it this label?", of which a text with any number of labels has one a label.
Decision judge_yes(double score, bool truth);

}  // namespace berth::classification

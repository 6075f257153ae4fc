#include "temperature.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "prediction.h"

namespace berth::classification {
namespace {

constexpr double kColdest = 0.01;
constexpr double kHottest = 100;

// How the negative log-likelihood grows with the inverse temperature, in which it is convex: by the logits that are
// expected less those that are true.
double slope(Kind kind, const std::vector<LabelledLogits>& texts, double inverse) {
  double sum = 0;
  for (const LabelledLogits& text : texts) {
    std::vector<double> scaled = text.logits;
    for (double& logit : scaled) logit *= inverse;
    const std::vector<double> probabilities = kind == Kind::kSingleLabel ? softmax(scaled) : sigmoid(scaled);
    for (std::size_t i = 0; i < scaled.size(); ++i) sum += probabilities[i] * text.logits[i];
    for (const std::size_t label : text.truth) sum -= text.logits[label];
  }
  return sum;
}

// Where a function that is above 0 at `low` and below at `high` crosses it: false position, with the Illinois rule that
// halves what an end says which stays put (Dowell & Jarratt 1971).
double find_root(const std::function<double(double)>& f, double low, double high) {
  double at_low = f(low);
  double at_high = f(high);
  double root = low;
  for (int step = 0; step < 200; ++step) {
    const double last = root;
    root = (low * at_high - high * at_low) / (at_high - at_low);
    const double at_root = f(root);
    if (at_root == 0 || std::abs(root - last) < 1e-12) break;
    if (at_root > 0) {
      if (low == last) at_high /= 2;
      low = root;
      at_low = at_root;
    } else {
      if (high == last) at_low /= 2;
      high = root;
      at_high = at_root;
    }
  }
  return root;
}

}  // namespace

double find_temperature(Kind kind, const std::vector<LabelledLogits>& texts) {
  if (texts.empty()) return 1;
  // In the logarithm, where digits count alike for hot and cold.
  const auto growth = [&](double log_temperature) { return slope(kind, texts, std::exp(-log_temperature)); };
  const double coldest = std::log(kColdest);
  const double hottest = std::log(kHottest);
  if (growth(coldest) <= 0) return kColdest;
  if (growth(hottest) >= 0) return kHottest;
  return std::exp(find_root(growth, coldest, hottest));
}

}  // namespace berth::classification

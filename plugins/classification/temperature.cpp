#include "temperature.h"

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>

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

}  // namespace

double find_temperature(Kind kind, const std::vector<LabelledLogits>& texts) {
  if (texts.empty()) return 1;
  // In the logarithm, where digits count alike for hot and cold.
  const auto growth = [&](double log_temperature) { return slope(kind, texts, std::exp(-log_temperature)); };
  const double coldest = std::log(kColdest);
  const double hottest = std::log(kHottest);
  if (growth(coldest) <= 0) return kColdest;
  if (growth(hottest) >= 0) return kHottest;
  std::uintmax_t steps = 100;
  const auto bracket =
      boost::math::tools::toms748_solve(growth, coldest, hottest, boost::math::tools::eps_tolerance<double>(36), steps);
  return std::exp((bracket.first + bracket.second) / 2);
}

}  // namespace berth::classification

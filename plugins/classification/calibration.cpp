#include "calibration.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace berth::classification {
namespace {

double mean(const std::vector<Decision>& decisions, double Decision::*member) {
  if (decisions.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const Decision& decision : decisions) sum += decision.*member;
  return sum / static_cast<double>(decisions.size());
}

std::size_t bin_of(double confidence) {
  const double upper = std::ceil(confidence * static_cast<double>(CalibrationMeter::kBins));
  return static_cast<std::size_t>(std::clamp(upper, 1.0, static_cast<double>(CalibrationMeter::kBins))) - 1;
}

}  // namespace

double CalibrationMeter::brier() const { return mean(decisions_, &Decision::brier); }
double CalibrationMeter::nll() const { return mean(decisions_, &Decision::nll); }

std::vector<CalibrationMeter::Bin> CalibrationMeter::bins() const {
  std::vector<Bin> bins(kBins);
  for (const Decision& decision : decisions_) {
    Bin& bin = bins[bin_of(decision.confidence)];
    ++bin.count;
    bin.confidence += decision.confidence;
    bin.right += decision.came_true ? 1 : 0;
  }
  return bins;
}

double CalibrationMeter::expected_error() const {
  if (decisions_.empty()) return std::numeric_limits<double>::quiet_NaN();
  double gaps = 0;  // of a bin: |accuracy - confidence| times its count
  for (const Bin& bin : bins()) gaps += std::abs(bin.right - bin.confidence);
  return gaps / static_cast<double>(decisions_.size());
}

kit::Json CalibrationMeter::table() const {
  kit::Json::Array rows;
  for (const Bin& bin : bins()) {
    const auto index = static_cast<double>(rows.size());
    const auto count = static_cast<double>(bin.count);
    kit::Json row;
    row.set("from", index / static_cast<double>(kBins));
    row.set("to", (index + 1) / static_cast<double>(kBins));
    row.set("count", bin.count);
    row.set("confidence", bin.count == 0 ? kit::Json() : kit::Json(bin.confidence / count));
    row.set("accuracy", bin.count == 0 ? kit::Json() : kit::Json(bin.right / count));
    rows.push_back(row);
  }
  return rows;
}

kit::Json CalibrationMeter::state() const {
  kit::Json::Array rows;
  for (const Decision& d : decisions_) rows.push_back(kit::Json::Array{d.confidence, d.came_true, d.brier, d.nll});
  return rows;
}

void CalibrationMeter::merge(const kit::Json& state) {
  for (const kit::Json& row : state.as_array()) {
    const kit::Json::Array& values = row.as_array();
    if (values.size() != 4) throw Error(ErrorKind::kContent, "a decision has 4 values; this is no calibration state");
    add({values[0].as_double(), values[1].as_bool(), values[2].as_double(), values[3].as_double()});
  }
}

Decision judge_label(const LabelledScores& labelled) {
  const double largest = *std::max_element(labelled.scores.begin(), labelled.scores.end());
  std::map<std::string, double, std::less<>> weights;  // of each name, over their sum its probability
  double true_largest = -std::numeric_limits<double>::infinity();
  double all = 0;
  for (std::size_t i = 0; i < labelled.scores.size(); ++i) {
    const double weight = std::exp(labelled.scores[i] - largest);
    weights[labelled.names[i]] += weight;
    all += weight;
    if (labelled.names[i] == labelled.truth) true_largest = std::max(true_largest, labelled.scores[i]);
  }
  // By its own largest score, so that the logarithm stays finite where the probability is too small for a number.
  double true_weight = 0;
  for (std::size_t i = 0; i < labelled.scores.size(); ++i) {
    if (labelled.names[i] == labelled.truth) true_weight += std::exp(labelled.scores[i] - true_largest);
  }
  Decision decision;
  decision.confidence = weights[labelled.answer] / all;
  decision.came_true = labelled.answer == labelled.truth;
  decision.nll = std::log(all) + largest - std::log(true_weight) - true_largest;
  for (const auto& [name, weight] : weights) {
    const double gap = weight / all - (name == labelled.truth ? 1 : 0);
    decision.brier += gap * gap;
  }
  return decision;
}

Decision judge_yes(double score, bool truth) {
  const double probability = 1 / (1 + std::exp(-score));
  const double gap = probability - (truth ? 1 : 0);
  // log(1 + exp(-x)), without overflow; x: the score of what is true.
  const double x = truth ? score : -score;
  return {probability, truth, gap * gap, std::max(-x, 0.0) + std::log1p(std::exp(-std::abs(x)))};
}

}  // namespace berth::classification

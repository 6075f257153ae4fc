#include "berth/kit/meters.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "berth/kit/json.h"
#include "tallies.h"

namespace berth::kit {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Pearson's correlation as scipy computes it: centred, scaled by the largest value against overflow, clipped to
// [-1, 1]. The sums are long doubles.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const std::size_t n = x.size();
  const auto is_constant = [](const std::vector<double>& v) {
    return std::all_of(v.begin(), v.end(), [&](double value) { return value == v.front(); });
  };
  const auto is_finite = [](const std::vector<double>& v) {
    return std::all_of(v.begin(), v.end(), [](double value) { return std::isfinite(value); });
  };
  if (n < 2 || !is_finite(x) || !is_finite(y) || is_constant(x) || is_constant(y)) return kNaN;
  const auto centred = [n](const std::vector<double>& v) {
    long double mean = 0;
    for (const double value : v) mean += value;
    mean /= static_cast<long double>(n);
    std::vector<long double> c(v.begin(), v.end());
    long double largest = 0;
    for (long double& value : c) largest = std::max(largest, std::abs(value -= mean));
    long double squares = 0;
    for (long double& value : c) {
      value /= largest;
      squares += value * value;
    }
    for (long double& value : c) value /= std::sqrt(squares);
    return c;
  };
  const std::vector<long double> a = centred(x);
  const std::vector<long double> b = centred(y);
  long double r = 0;
  for (std::size_t i = 0; i < n; ++i) r += a[i] * b[i];
  if (n == 2) r = std::round(r);  // two points lie on a line
  return static_cast<double>(std::clamp(r, -1.0L, 1.0L));
}

std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> result(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = (static_cast<double>(begin + 1) + static_cast<double>(end)) / 2;
    for (std::size_t i = begin; i < end; ++i) result[order[i]] = rank;
    begin = end;
  }
  return result;
}

struct Columns {
  std::vector<double> truth;
  std::vector<double> prediction;
};

Columns columns_of(const std::vector<std::pair<double, double>>& pairs) {
  Columns columns;
  for (const auto& [truth, prediction] : pairs) {
    columns.truth.push_back(truth);
    columns.prediction.push_back(prediction);
  }
  return columns;
}

}  // namespace

std::int64_t ConfusionMeter::examples() const {
  std::int64_t sum = 0;
  for (const auto& entry : counts_) sum += entry.second;
  return sum;
}

double ConfusionMeter::accuracy() const {
  std::int64_t right = 0;
  for (const auto& [labels, count] : counts_) right += labels.first == labels.second ? count : 0;
  const std::int64_t all = examples();
  return all == 0 ? kNaN : static_cast<double>(right) / static_cast<double>(all);
}

PrecisionRecall ConfusionMeter::of(const std::string& label) const {
  if (counts_.empty()) return {kNaN, kNaN, kNaN};
  Tally tally;
  for (const auto& [labels, count] : counts_) {
    const auto n = static_cast<double>(count);
    if (labels.first == label) tally.truth += n;
    if (labels.second == label) tally.predicted += n;
    if (labels.first == label && labels.second == label) tally.both += n;
  }
  return scores_of(tally);
}

AveragedPrecisionRecall ConfusionMeter::averages() const {
  if (counts_.empty()) return undefined_averages();
  std::map<std::string, Tally> tallies;
  for (const auto& [labels, count] : counts_) {
    const auto n = static_cast<double>(count);
    tallies[labels.first].truth += n;
    tallies[labels.second].predicted += n;
    if (labels.first == labels.second) tallies[labels.first].both += n;
  }
  std::vector<Tally> labels;
  for (const auto& entry : tallies) labels.push_back(entry.second);
  return averages_of(labels);
}

double ConfusionMeter::matthews() const {
  if (counts_.empty()) return kNaN;
  std::map<std::string, std::pair<double, double>> sums;  // how often true, how often predicted
  double right = 0;
  double all = 0;
  for (const auto& [labels, count] : counts_) {
    const auto n = static_cast<double>(count);
    sums[labels.first].first += n;
    sums[labels.second].second += n;
    right += labels.first == labels.second ? n : 0;
    all += n;
  }
  double both = right * all;
  double truth = all * all;
  double predicted = all * all;
  for (const auto& [label, sum] : sums) {
    both -= sum.first * sum.second;
    truth -= sum.first * sum.first;
    predicted -= sum.second * sum.second;
  }
  return truth * predicted == 0 ? 0 : both / std::sqrt(truth * predicted);
}

std::string ConfusionMeter::state() const {
  Json::Array cells;
  for (const auto& [labels, count] : counts_) cells.emplace_back(Json::Array{labels.first, labels.second, count});
  return dump_json(Json(std::move(cells)));
}

void ConfusionMeter::merge(std::string_view state) {
  const Json cells = parse_state(state);
  for (const Json& cell : cells.as_array()) {
    const Json::Array& parts = cell.as_array();
    if (parts.size() != 3) wrong_state();
    counts_[{parts[0].as_string(), parts[1].as_string()}] += parts[2].as_int();
  }
}

void MultiLabelMeter::add(const std::vector<std::string>& truth, const std::vector<std::string>& prediction) {
  const std::set<std::string> is_true(truth.begin(), truth.end());
  const std::set<std::string> is_predicted(prediction.begin(), prediction.end());
  for (const std::string& label : is_true) {
    ++labels_[label].truth;
    if (is_predicted.count(label) > 0) ++labels_[label].both;
  }
  for (const std::string& label : is_predicted) ++labels_[label].predicted;
  ++examples_;
  if (is_true == is_predicted) ++exact_;
}

double MultiLabelMeter::accuracy() const {
  return examples_ == 0 ? kNaN : static_cast<double>(exact_) / static_cast<double>(examples_);
}

PrecisionRecall MultiLabelMeter::of(const std::string& label) const {
  if (examples_ == 0) return {kNaN, kNaN, kNaN};
  const auto found = labels_.find(label);
  if (found == labels_.end()) return {};
  const Counts& c = found->second;
  return scores_of({static_cast<double>(c.both), static_cast<double>(c.truth), static_cast<double>(c.predicted)});
}

AveragedPrecisionRecall MultiLabelMeter::averages() const {
  if (examples_ == 0) return undefined_averages();
  std::vector<Tally> tallies;
  for (const auto& entry : labels_) {
    const Counts& c = entry.second;
    tallies.push_back({static_cast<double>(c.both), static_cast<double>(c.truth), static_cast<double>(c.predicted)});
  }
  return averages_of(tallies);
}

std::string MultiLabelMeter::state() const {
  Json::Array rows;
  for (const auto& [label, c] : labels_) rows.emplace_back(Json::Array{label, c.both, c.truth, c.predicted});
  Json state;
  state.set("examples", examples_);
  state.set("exact", exact_);
  state.set("labels", std::move(rows));
  return dump_json(state);
}

void MultiLabelMeter::merge(std::string_view state) {
  const Json other = parse_state(state);
  examples_ += other.at("examples").as_int();
  exact_ += other.at("exact").as_int();
  for (const Json& row : other.at("labels").as_array()) {
    const Json::Array& parts = row.as_array();
    if (parts.size() != 4) wrong_state();
    Counts& counts = labels_[parts[0].as_string()];
    counts.both += parts[1].as_int();
    counts.truth += parts[2].as_int();
    counts.predicted += parts[3].as_int();
  }
}

// By value, so that sums, and with them the last bits of a score, don't depend on the order of adding.
std::vector<std::pair<double, double>> RegressionMeter::sorted() const {
  std::vector<std::pair<double, double>> pairs = pairs_;
  const auto less = [](double a, double b) { return a < b || (!std::isnan(a) && std::isnan(b)); };  // NaN comes last
  std::sort(pairs.begin(), pairs.end(), [&](const auto& a, const auto& b) {
    return less(a.first, b.first) || (!less(b.first, a.first) && less(a.second, b.second));
  });
  return pairs;
}

double RegressionMeter::mean_squared_error() const {
  long double sum = 0;
  for (const auto& [truth, prediction] : sorted()) {
    const long double difference = static_cast<long double>(truth) - prediction;
    sum += difference * difference;
  }
  return pairs_.empty() ? kNaN : static_cast<double>(sum / static_cast<long double>(pairs_.size()));
}

double RegressionMeter::mean_absolute_error() const {
  long double sum = 0;
  for (const auto& [truth, prediction] : sorted()) sum += std::abs(static_cast<long double>(truth) - prediction);
  return pairs_.empty() ? kNaN : static_cast<double>(sum / static_cast<long double>(pairs_.size()));
}

double RegressionMeter::pearson() const {
  const Columns columns = columns_of(sorted());
  return correlation(columns.truth, columns.prediction);
}

double RegressionMeter::spearman() const {
  const Columns columns = columns_of(sorted());
  const auto is_nan = [](double value) { return std::isnan(value); };
  if (std::any_of(columns.truth.begin(), columns.truth.end(), is_nan) ||
      std::any_of(columns.prediction.begin(), columns.prediction.end(), is_nan)) {
    return kNaN;
  }
  return correlation(ranks(columns.truth), ranks(columns.prediction));
}

std::string RegressionMeter::state() const {
  std::string bytes(pairs_.size() * 2 * sizeof(double), '\0');
  char* at = bytes.data();
  for (const auto& [truth, prediction] : pairs_) {
    at = std::copy_n(reinterpret_cast<const char*>(&truth), sizeof(double), at);
    at = std::copy_n(reinterpret_cast<const char*>(&prediction), sizeof(double), at);
  }
  return bytes;
}

void RegressionMeter::merge(std::string_view state) {
  constexpr std::size_t kPair = 2 * sizeof(double);
  if (state.size() % kPair != 0) wrong_state();
  for (; !state.empty(); state.remove_prefix(kPair)) {
    double pair[2];
    std::copy_n(state.data(), kPair, reinterpret_cast<char*>(pair));
    pairs_.emplace_back(pair[0], pair[1]);
  }
}

}  // namespace berth::kit

// The chart of a sweep: scores over the setting that matters most, with the others as series where they are few.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "core/report/svg_chart.h"
#include "core/sweep/sweep_report.h"

namespace berth::sweep {
namespace {

constexpr std::size_t kMostSeries = 6;
constexpr double kLogFrom = 5;  // numbers this many times apart go on a logarithmic axis

// The index of the setting with the largest effect; the first where none has one.
std::size_t main_setting(const SweepReport& report, const suite::SweepConfig& config) {
  for (const auto& one : report.importance) {
    for (std::size_t i = 0; i < config.settings.size(); ++i) {
      if (config.settings[i].name == one.setting) return i;
    }
  }
  return 0;
}

// Where the points stand along the setting.
class Along {
 public:
  Along(const Search& search, std::size_t setting) : search_(search), setting_(setting) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    bool are_numbers = true;
    for (const auto& point : search.space().points) {
      const auto& choice = point[setting];
      if (std::find(texts_.begin(), texts_.end(), choice.text) == texts_.end()) texts_.push_back(choice.text);
      are_numbers = are_numbers && std::isfinite(choice.number);
      low = std::min(low, choice.number);
      high = std::max(high, choice.number);
    }
    if (!are_numbers) {
      scale_ = report::ChartScale::kNames;
    } else if (low > 0 && high / low >= kLogFrom) {
      scale_ = report::ChartScale::kLog;
    }
  }

  report::ChartScale scale() const { return scale_; }
  std::vector<std::string> names() const {
    return scale_ == report::ChartScale::kNames ? texts_ : std::vector<std::string>();
  }
  double at(std::size_t point) const {
    const auto& choice = search_.space().points[point][setting_];
    if (scale_ != report::ChartScale::kNames) return choice.number;
    return static_cast<double>(std::find(texts_.begin(), texts_.end(), choice.text) - texts_.begin());
  }

 private:
  const Search& search_;
  std::size_t setting_;
  std::vector<std::string> texts_;
  report::ChartScale scale_ = report::ChartScale::kLinear;
};

// What sets a row apart from those on its line: its rung, or its other settings.
std::string series_name(const Row& row, const Search& search, std::size_t along) {
  if (search.rungs() > 1) return fmt::format("{:.3g} of the training", search.training_share(row.rung));
  suite::SweepConfig others;
  Point choices;
  for (std::size_t i = 0; i < search.space().points[row.point].size(); ++i) {
    if (i == along) continue;
    others.settings.push_back(search.space().config.settings[i]);
    choices.push_back(search.space().points[row.point][i]);
  }
  return choices.empty() ? "" : describe(others, choices);
}

report::ChartPoint chart_point(double x, const Row& row) { return {x, row.mean, row.interval.low, row.interval.high}; }

// Seeds alone: the runs beside each other.
report::PointChart seeds_chart(const SweepReport& report, report::PointChart chart) {
  chart.x_title = "training.seed";
  chart.x_scale = report::ChartScale::kNames;
  chart.series.emplace_back();
  for (const auto* run : report.rows.empty() ? std::vector<const Run*>() : report.rows.front().runs) {
    const auto x = static_cast<double>(chart.x_names.size());
    chart.x_names.push_back(std::to_string(run->seed));
    chart.series[0].points.push_back({x, run->outcome.score.value_or(std::numeric_limits<double>::quiet_NaN())});
  }
  return chart;
}

}  // namespace

std::string to_svg(const SweepReport& report, const Search& search) {
  const auto& config = search.space().config;
  report::PointChart chart;
  chart.title = search.space().suites.front().name + ": scores on dev, mean and 95% interval over seeds";
  chart.y_title = config.score == "mean" ? "mean of the primary scores" : config.score;
  if (config.settings.empty()) return report::draw(seeds_chart(report, std::move(chart)));
  const auto along = main_setting(report, config);
  const Along axis(search, along);
  std::map<std::string, std::vector<report::ChartPoint>> series;
  for (const auto& row : report.rows) {
    series[series_name(row, search, along)].push_back(chart_point(axis.at(row.point), row));
  }
  const bool are_few = series.size() <= kMostSeries;
  if (!are_few) {
    series.clear();
    for (const auto& row : report.rows) series[""].push_back(chart_point(axis.at(row.point), row));
  }
  const bool is_line = are_few && config.search == suite::Search::kGrid && axis.scale() != report::ChartScale::kNames;
  chart.x_title = config.settings[along].name;
  chart.x_scale = axis.scale();
  chart.x_names = axis.names();
  chart.line = is_line ? report::ChartLine::kJoined : report::ChartLine::kNone;
  for (auto& [name, points] : series) {
    std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
    chart.series.push_back({name, std::move(points)});
  }
  return report::draw(chart);
}

}  // namespace berth::sweep

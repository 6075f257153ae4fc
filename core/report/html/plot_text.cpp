#include "core/report/html/plot_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/report/html/html_writer.h"

namespace berth::report::html {
namespace {

std::string describe(const Plot& plot, const PlotSeries& series) {
  std::vector<PlotPoint> points;
  std::copy_if(series.points.begin(), series.points.end(), std::back_inserter(points), is_drawn);
  const auto name = series.name.empty() ? plot.y_title : series.name;
  if (points.empty()) return fmt::format("{}: nothing. ", name);
  if (series.look == Look::kMarks || series.look == Look::kBars || points.size() < 3) {
    auto text = name + ":";
    for (const auto& point : points) {
      text += fmt::format(" {} at {},", plot_number(point.y), x_text(plot, point.x));
    }
    text.back() = '.';
    return text + ' ';
  }
  const auto [least, most] =
      std::minmax_element(points.begin(), points.end(), [](const auto& a, const auto& b) { return a.y < b.y; });
  return fmt::format("{}: from {} at {} to {} at {}, least {}, most {}. ", name, plot_number(points.front().y),
                     x_text(plot, points.front().x), plot_number(points.back().y), x_text(plot, points.back().x),
                     plot_number(least->y), plot_number(most->y));
}

bool has_band(const PlotSeries& series) {
  return std::any_of(series.points.begin(), series.points.end(),
                     [](const PlotPoint& point) { return std::isfinite(point.low); });
}

}  // namespace

bool is_drawn(const PlotPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }

std::string plot_number(double value) {
  constexpr double kLarge = 1e9;
  if (!std::isfinite(value)) return "\u2013";
  if (std::abs(value) >= 1e4 && std::abs(value) < kLarge) return fmt::format("{:.0f}", value);  // steps
  return fmt::format("{:.4g}", value);
}

std::string x_text(const Plot& plot, double x) {
  if (plot.x_scale != ChartScale::kNames) return fmt::format("{} {}", plot.x_title, plot_number(x));
  const auto index = static_cast<std::size_t>(x);
  return index < plot.x_names.size() ? plot.x_names[index] : "";
}

std::string description_of(const Plot& plot) {
  auto text = fmt::format("{} over {}. ", plot.y_title, plot.x_title);
  for (const auto& series : plot.series) text += describe(plot, series);
  for (const auto& level : plot.levels) text += fmt::format("{}: {}. ", level.name, plot_number(level.y));
  return text + "The same numbers stand in the table below.";
}

std::string plot_table_html(const Plot& plot) {
  Table table;
  table.caption = plot.title;
  table.columns.push_back({plot.x_title, CellKind::kText});
  std::map<double, std::vector<std::string>> rows;
  std::size_t width = 0;
  for (const auto& series : plot.series) {
    table.columns.push_back({series.name.empty() ? plot.y_title : series.name});
    const bool is_band = has_band(series);
    if (is_band) table.columns.insert(table.columns.end(), {{"least"}, {"most"}});
    for (const auto& point : series.points) {
      if (!is_drawn(point)) continue;
      auto& row = rows[point.x];
      row.resize(width);
      row.push_back(plot_number(point.y) + (point.note.empty() ? "" : fmt::format(" ({})", point.note)));
      if (is_band) row.insert(row.end(), {plot_number(point.low), plot_number(point.high)});
    }
    width += is_band ? 3 : 1;
  }
  for (auto& [x, values] : rows) {
    const bool are_names = plot.x_scale == ChartScale::kNames;
    std::vector<Cell> cells = {text_cell(are_names ? x_text(plot, x) : plot_number(x))};
    values.resize(width);
    for (const auto& value : values) cells.push_back(text_cell(value));
    table.rows.push_back(std::move(cells));
  }
  return table_html(table);
}

}  // namespace berth::report::html

#include <fmt/format.h>

#include <cmath>

#include "core/report/html/html_writer.h"
#include "core/report/html/plot.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Cell score_cell(double value, const char* css_class = "") { return {escaped(score_text(value)), css_class}; }

// "0.7900" and what that is more than in the run at hand.
Cell other_cell(const RunData& other, const TaskRun& task) {
  const double value = other.dev_score_of(task);
  if (!std::isfinite(value)) return {"\u2013", ""};
  return {fmt::format("{} <small>({:+.4f})</small>", escaped(score_text(value)), value - task.dev_score()), ""};
}

Table primary_table(const RunData& run, const std::vector<RunData>& against) {
  Table table;
  table.caption = "Primary scores on dev";
  table.note = "By each task's best checkpoint. The floor is what needs no learning.";
  table.columns = {
      {"task", CellKind::kText}, {"score", CellKind::kText}, {"this run"}, {"before training"}, {"majority"}};
  for (const auto& other : against) table.columns.push_back({other.name});
  for (const auto& task : run.tasks) {
    std::vector<Cell> row = {text_cell(task.name),
                             text_cell(task.primary + (task.is_lower_better ? " (lower is better)" : "")),
                             score_cell(task.dev_score(), "main"), score_cell(task.before.value_or(kNaN)),
                             score_cell(task.majority.value_or(kNaN))};
    for (const auto& other : against) row.push_back(other_cell(other, task));
    table.rows.push_back(std::move(row));
  }
  if (!against.empty()) table.note += " In brackets: an earlier run's score less this one's.";
  return table;
}

bool is_share(double value) { return !std::isfinite(value) || (value >= 0 && value <= 1); }

// Those between 0 and 1, which one axis holds.
Plot primary_plot(const RunData& run, const std::vector<RunData>& against) {
  Plot plot{"scores-plot", "Scores against the floor"};
  plot.x_title = "task";
  plot.y_title = "primary score on dev";
  plot.x_scale = ChartScale::kNames;
  plot.least = 0;
  plot.most = 1;
  plot.series = {
      {"this run", {}, Look::kMarks, 0}, {"before training", {}, Look::kMarks, 1}, {"majority", {}, Look::kMarks, 2}};
  for (const auto& other : against) {
    plot.series.push_back({other.name, {}, Look::kMarks, plot.series.size()});
  }
  for (const auto& task : run.tasks) {
    const auto x = static_cast<double>(plot.x_names.size());
    std::vector<double> values = {task.dev_score(), task.before.value_or(kNaN), task.majority.value_or(kNaN)};
    for (const auto& other : against) values.push_back(other.dev_score_of(task));
    if (!std::isfinite(values.front()) || !std::all_of(values.begin(), values.end(), is_share)) continue;
    plot.x_names.push_back(task.name);
    for (std::size_t i = 0; i < values.size(); ++i) plot.series[i].points.push_back({x, values[i]});
  }
  if (plot.x_names.size() < run.tasks.size()) plot.note = "Tasks whose score lies between 0 and 1.";
  std::erase_if(plot.series, [](const PlotSeries& series) {
    return std::none_of(series.points.begin(), series.points.end(),
                        [](const PlotPoint& point) { return std::isfinite(point.y); });
  });
  return plot;
}

// Every score of a task, a column a set.
std::string all_scores_html(const TaskRun& task) {
  const auto sets = task.newest_scores();
  if (sets.empty()) return "";
  Table table;
  table.caption = fmt::format("All scores of {}", task.name);
  if (task.checkpoint_step) table.note = fmt::format("By the checkpoint of step {}.", *task.checkpoint_step);
  table.columns = {{"score", CellKind::kText}};
  for (const auto& [set, scores] : sets) table.columns.push_back({set});
  for (const auto& [name, value] : sets.begin()->second) {
    std::vector<Cell> row = {text_cell(name)};
    for (const auto& [set, scores] : sets) {
      row.push_back(score_cell(score_of(scores, name), name == task.primary ? "main" : ""));
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

}  // namespace

Section scores_section(const RunData& run, const std::vector<RunData>& against) {
  Section section{"scores", "Scores", ""};
  if (run.tasks.empty()) return section;
  const auto table = table_html(primary_table(run, against));
  const auto plot = plot_html(primary_plot(run, against));
  section.html = against.empty() ? cards_html(card_html(table) + plot) : table + cards_html(plot);
  std::string all;
  for (const auto& task : run.tasks) all += all_scores_html(task);
  if (!all.empty()) section.html += details_html("scores-all", "All scores of all sets", all);
  return section;
}

}  // namespace berth::report::html

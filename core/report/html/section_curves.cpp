#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/report/html/curve.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/plot.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

std::vector<PlotPoint> points_of(const std::vector<TrainLine>& lines, double TrainLine::*value) {
  std::vector<PlotPoint> points;
  points.reserve(lines.size());
  for (const auto& line : lines) points.push_back({line.step, line.*value});
  return points;
}

std::string loss_html(const TaskRun& task, std::size_t place) {
  const auto losses = points_of(task.train, &TrainLine::loss);
  Plot plot{fmt::format("loss-{}", place), fmt::format("{}: loss in training", task.name)};
  plot.note = "Mean of the steps between two lines of metrics.jsonl, and smoothed" + thinning_note(losses.size()) + ".";
  plot.x_title = "step";
  plot.y_title = "loss";
  plot.series = {{"loss", thinned(losses), Look::kPale, place},
                 {"smoothed", thinned_line(smoothed(losses)), Look::kLine, place}};
  return plot_html(plot);
}

std::string dev_html(const TaskRun& task, std::size_t place) {
  std::vector<PlotPoint> scores;
  for (const auto& line : task.dev) scores.push_back({line.step, score_of(line.scores, task.primary)});
  Plot plot{fmt::format("dev-{}", place), fmt::format("{}: {} on dev", task.name, task.primary)};
  if (task.is_lower_better) plot.note = "Lower is better.";
  plot.x_title = "step";
  plot.y_title = task.primary;
  plot.series = {{"", thinned(scores), Look::kMarked, place}};
  if (task.majority) plot.levels.push_back({"majority", *task.majority});
  if (task.before) plot.levels.push_back({"before training", *task.before});
  return plot_html(plot);
}

// One line a step: the lines of the tasks repeat the optimizer's numbers.
std::vector<TrainLine> steps_of(const RunData& run) {
  std::map<double, TrainLine> lines;
  for (const auto& task : run.tasks) {
    for (const auto& line : task.train) lines[line.step] = line;
  }
  std::vector<TrainLine> steps;
  steps.reserve(lines.size());
  for (const auto& [step, line] : lines) steps.push_back(line);
  return steps;
}

Plot optimizer_plot(const char* id, const char* title, const std::vector<PlotPoint>& points) {
  Plot plot{id, title};
  plot.note = thinning_note(points.size());
  if (!plot.note.empty()) plot.note = "E" + plot.note.substr(3) + ".";
  plot.x_title = "step";
  plot.series = {{"", thinned(points), Look::kLine, 0}};
  return plot;
}

std::string shares_html(const RunData& run) {
  Plot plot{"mixing-share", "Share of the steps"};
  plot.x_title = "task";
  plot.y_title = "share";
  plot.x_scale = ChartScale::kNames;
  plot.least = 0;
  plot.series = {{"", {}, Look::kBars, 0}};
  double all = 0;
  for (const auto& task : run.tasks) {
    for (const auto& line : task.train) all += line.steps;
  }
  for (const auto& task : run.tasks) {
    double steps = 0;
    for (const auto& line : task.train) steps += line.steps;
    auto& point = plot.series[0].points.emplace_back();
    point.x = static_cast<double>(plot.x_names.size());
    point.y = steps / all;
    point.note = fmt::format("{:.0f} steps", steps);
    plot.x_names.push_back(task.name);
  }
  return plot_html(plot);
}

// In equal parts of the run, of some lines of metrics.jsonl each.
std::string shares_over_time_html(const RunData& run) {
  const auto all = steps_of(run);
  const auto parts = std::min<std::size_t>(12, all.size() / 4);
  if (parts < 2) return "";
  std::map<double, double> part_of;  // the last step of the part that a step is in
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto part = i * parts / all.size();
    part_of[all[i].step] = all[((part + 1) * all.size() - 1) / parts].step;
  }
  std::map<double, std::vector<double>> steps;  // by the last step of a part: each task's steps
  for (std::size_t task = 0; task < run.tasks.size(); ++task) {
    for (const auto& line : run.tasks[task].train) {
      auto& counts = steps[part_of[line.step]];
      counts.resize(run.tasks.size());
      counts[task] += line.steps;
    }
  }
  Plot plot{"mixing-time", "Share of the steps over time"};
  plot.note = "Of the steps up to the one below.";
  plot.x_title = "step";
  plot.y_title = "share";
  plot.least = 0;
  for (std::size_t task = 0; task < run.tasks.size(); ++task) {
    auto& series = plot.series.emplace_back(PlotSeries{run.tasks[task].name, {}, Look::kMarked, task});
    for (const auto& [step, counts] : steps) {
      double sum = 0;
      for (const double count : counts) sum += count;
      series.points.push_back({step, counts[task] / sum});
    }
  }
  return plot_html(plot);
}

// How the tasks' losses weigh, where that changes.
std::string weights_html(const RunData& run) {
  Plot plot{"mixing-weight", "Weight of each task's loss"};
  plot.x_title = "step";
  plot.y_title = "weight";
  bool is_constant = true;
  for (std::size_t task = 0; task < run.tasks.size(); ++task) {
    const auto points = points_of(run.tasks[task].train, &TrainLine::weight);
    for (const auto& point : points) is_constant = is_constant && point.y == points.front().y;
    plot.series.push_back({run.tasks[task].name, thinned_line(points), Look::kLine, task});
  }
  return is_constant ? "" : plot_html(plot);
}

std::string cosines_html(const RunData& run) {
  Table table;
  table.caption = "Do the tasks' gradients agree?";
  table.note = "Cosine between the gradients of two tasks: above 0 they pull the same way, below 0 against each other.";
  table.columns = {{"tasks", CellKind::kText}, {"mean"}, {"least"}, {"against each other"}};
  for (const auto& entry : part_at(run.summary, "gradient_cosines")) {
    std::string names;
    for (const auto& name : part_at(entry, "tasks")) {
      if (name.is_string()) names += (names.empty() ? "" : ", ") + name.get<std::string>();
    }
    table.rows.push_back({text_cell(names), text_cell(fmt::format("{:+.3f}", number_at(entry, "mean"))),
                          text_cell(fmt::format("{:+.3f}", number_at(entry, "least"))),
                          text_cell(fmt::format("{:.0f}% of {:.0f}", 100 * number_at(entry, "share_negative"),
                                                number_at(entry, "measured")))});
  }
  return table.rows.empty() ? "" : table_html(table);
}

}  // namespace

Section curves_section(const RunData& run) {
  Section section{"curves", "Learning curves", ""};
  std::string charts;
  for (std::size_t i = 0; i < run.tasks.size(); ++i) charts += loss_html(run.tasks[i], i) + dev_html(run.tasks[i], i);
  section.html = cards_html(charts);
  return section;
}

Section optimizer_section(const RunData& run) {
  const auto steps = steps_of(run);
  auto rate = optimizer_plot("rate", "Learning rate", points_of(steps, &TrainLine::rate));
  rate.y_title = "rate";
  rate.least = 0;
  auto norm = optimizer_plot("norm", "Gradient norm before clipping", points_of(steps, &TrainLine::gradient_norm));
  norm.y_title = "gradient norm";
  norm.least = 0;
  return {"optimizer", "Rate and gradients", cards_html(plot_html(rate) + plot_html(norm))};
}

Section mixing_section(const RunData& run) {
  Section section{"mixing", "Mixing of tasks", ""};
  const bool has_steps =
      std::any_of(run.tasks.begin(), run.tasks.end(), [](const TaskRun& task) { return !task.train.empty(); });
  if (run.tasks.size() < 2 || !has_steps) return section;
  section.html = cards_html(shares_html(run) + shares_over_time_html(run) + weights_html(run)) + cosines_html(run);
  return section;
}

}  // namespace berth::report::html

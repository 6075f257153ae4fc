// Several runs side by side.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/report/console.h"
#include "core/report/html/curve.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/plot.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostSettings = 300;

// Of all runs, each once, in their order.
std::vector<std::string> task_names(const std::vector<RunData>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs) {
    for (const auto& task : run.tasks) {
      if (std::find(names.begin(), names.end(), task.name) == names.end()) names.push_back(task.name);
    }
  }
  return names;
}

const TaskRun* first_with(const std::vector<RunData>& runs, const std::string& name) {
  for (const auto& run : runs) {
    if (const auto* task = run.task(name); task != nullptr && !task->primary.empty()) return task;
  }
  return nullptr;
}

// Of the score that the first of the runs counts.
std::vector<double> scores_by(const std::vector<RunData>& runs, const TaskRun& task) {
  std::vector<double> values;
  values.reserve(runs.size());
  for (const auto& run : runs) values.push_back(run.dev_score_of(task));
  return values;
}

void add_runs(Table& table, const std::vector<RunData>& runs) {
  for (const auto& run : runs) table.columns.push_back({run.name});
}

std::optional<std::size_t> best_of(const std::vector<double>& values, bool is_lower_better) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    if (!best || (is_lower_better ? values[i] < values[*best] : values[i] > values[*best])) best = i;
  }
  return best;
}

std::string scores_html(const std::vector<RunData>& runs) {
  Table table;
  table.caption = "Primary scores on dev";
  table.note =
      "The best of each row is set in bold. Whether two differ by more than chance: `berth compare --resamples`.";
  table.columns = {{"task", CellKind::kText}, {"score", CellKind::kText}, {"before training"}, {"majority"}};
  add_runs(table, runs);
  for (const auto& name : task_names(runs)) {
    const auto* task = first_with(runs, name);
    if (task == nullptr) continue;
    std::vector<Cell> row = {
        text_cell(name), text_cell(task->primary + (task->is_lower_better ? " (lower is better)" : "")),
        text_cell(score_text(task->before.value_or(kNaN))), text_cell(score_text(task->majority.value_or(kNaN)))};
    const auto values = scores_by(runs, *task);
    const auto best = best_of(values, task->is_lower_better);
    for (std::size_t i = 0; i < values.size(); ++i) {
      row.push_back({escaped(score_text(values[i])), best == i ? "main" : ""});
    }
    table.rows.push_back(std::move(row));
  }
  return table.rows.empty() ? "" : table_html(table);
}

std::string scores_plot_html(const std::vector<RunData>& runs) {
  Plot plot{"scores-plot", "Primary scores side by side", "task", "primary score on dev"};
  plot.x_scale = ChartScale::kNames;
  plot.least = 0;
  plot.most = 1;
  for (std::size_t i = 0; i < runs.size(); ++i) plot.series.push_back({runs[i].name, {}, Look::kMarks, i});
  for (const auto& name : task_names(runs)) {
    const auto* task = first_with(runs, name);
    if (task == nullptr) continue;
    const auto values = scores_by(runs, *task);
    const auto is_outside = [](double value) { return std::isfinite(value) && (value < 0 || value > 1); };
    if (std::any_of(values.begin(), values.end(), is_outside)) continue;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      plot.series[i].points.push_back({static_cast<double>(plot.x_names.size()), values[i]});
    }
    plot.x_names.push_back(name);
  }
  return plot_html(plot);
}

std::string curves_html(const std::vector<RunData>& runs, const std::string& name, std::size_t place) {
  Plot loss{fmt::format("loss-{}", place), fmt::format("{}: loss in training, smoothed", name), "step", "loss"};
  Plot dev{fmt::format("dev-{}", place), fmt::format("{} on dev", name), "step", "score"};
  const auto* first = first_with(runs, name);
  if (first != nullptr) dev.title = fmt::format("{}: {} on dev", name, first->primary);
  if (first != nullptr) dev.y_title = first->primary;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto* task = runs[i].task(name);
    if (task == nullptr) continue;
    std::vector<PlotPoint> losses;
    for (const auto& line : task->train) losses.push_back({line.step, line.loss});
    losses = thinned_line(smoothed(losses));
    loss.series.push_back({runs[i].name, std::move(losses), Look::kLine, i});
    std::vector<PlotPoint> scores;
    for (const auto& line : task->dev) scores.push_back({line.step, score_of(line.scores, dev.y_title)});
    dev.series.push_back({runs[i].name, thinned(scores), Look::kMarked, i});
  }
  return plot_html(loss) + plot_html(dev);
}

}  // namespace

std::string runs_header_html(const std::vector<RunData>& runs) {
  auto html = fmt::format(
      "<p class=\"kicker\">berth report</p>\n<h1>{} runs side by side</h1>\n<ul class=\"sentences\">\n", runs.size());
  for (const auto& run : runs) {
    html += fmt::format("<li><strong>{}</strong>: {}, {} <code>{}</code></li>\n", escaped(run.name),
                        escaped(run.suite_name()), escaped(run.ending()), escaped(run.path));
    for (const auto& note : run.notes) html += fmt::format("<li class=\"warning\">{}</li>\n", escaped(note));
  }
  return html + "</ul>\n";
}

Section runs_scores_section(const std::vector<RunData>& runs) {
  return {"scores", "Scores", scores_html(runs) + cards_html(scores_plot_html(runs))};
}

Section runs_curves_section(const std::vector<RunData>& runs) {
  std::string charts;
  const auto names = task_names(runs);
  for (std::size_t i = 0; i < names.size(); ++i) charts += curves_html(runs, names[i], i);
  return {"curves", "Learning curves", cards_html(charts)};
}

// Those alone that differ.
Section runs_settings_section(const std::vector<RunData>& runs) {
  std::vector<std::string> keys;
  std::map<std::string, std::vector<std::string>> values;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const auto& [key, value] : runs[i].settings) {
      const auto [found, is_new] = values.try_emplace(key, runs.size());
      if (is_new) keys.push_back(key);
      found->second[i] = value;
    }
  }
  std::erase_if(keys, [&](const std::string& key) {
    const auto& row = values[key];
    return std::adjacent_find(row.begin(), row.end(), std::not_equal_to<>()) == row.end();
  });
  Section section{"settings", "Settings that differ", ""};
  if (keys.empty()) {
    section.html = "<p>The suites are the same.</p>\n";
    return section;
  }
  Table table;
  table.caption = "Settings that differ";
  table.columns = {{"setting", CellKind::kText}};
  for (const auto& run : runs) table.columns.push_back({run.name, CellKind::kText});
  for (std::size_t i = 0; i < std::min(keys.size(), kMostSettings); ++i) {
    std::vector<Cell> row = {{fmt::format("<code>{}</code>", escaped(keys[i])), ""}};
    for (const auto& value : values[keys[i]]) row.push_back(text_cell(value.empty() ? "\u2013" : value));
    table.rows.push_back(std::move(row));
  }
  section.html = table_html(table) + more_html(keys.size(), kMostSettings);
  return section;
}

Section runs_running_section(const std::vector<RunData>& runs) {
  Table table;
  table.caption = "Throughput and memory";
  table.columns = {{"figure", CellKind::kText}};
  add_runs(table, runs);
  const auto add = [&](const char* name, const char* key, const auto& format) {
    std::vector<Cell> row = {text_cell(name)};
    for (const auto& run : runs) {
      const double value = number_at(run.summary, key);
      row.push_back(text_cell(std::isfinite(value) ? format(value) : "\u2013"));
    }
    table.rows.push_back(std::move(row));
  };
  const auto count = [](double value) { return count_text(static_cast<std::int64_t>(value)); };
  add("steps", "steps", count);
  add("time of training", "training_seconds", [](double value) { return format_duration(value); });
  add("examples a second", "examples_per_second", [](double value) { return fmt::format("{:.1f}", value); });
  add("peak memory", "peak_resident_bytes", [](double value) { return fmt::format("{:.0f} MB", value / 1e6); });
  add("trained parameters", "trained_parameters", count);
  add("seed", "seed", [](double value) { return fmt::format("{:.0f}", value); });
  return {"running", "Speed and memory", table_html(table)};
}

Section runs_origin_section(const std::vector<RunData>& runs) {
  Table table;
  table.caption = "What each run's best checkpoint holds";
  table.note = "The hash is one SHA-256 over all that was learned: equal runs have equal ones.";
  table.columns = {{"run", CellKind::kText}, {"checkpoint", CellKind::kText}, {"hash", CellKind::kText}};
  for (const auto& run : runs) {
    for (const auto& checkpoint : run.checkpoints) {
      const auto& links = checkpoint.links;
      if (std::find(links.begin(), links.end(), "best") == links.end()) continue;
      table.rows.push_back({text_cell(run.name),
                            text_cell(checkpoint.folder),
                            {fmt::format("<code>{}</code>", escaped(checkpoint.content)), "hash"}});
    }
  }
  return {"origin", "Hashes", table.rows.empty() ? "" : table_html(table)};
}

}  // namespace berth::report::html

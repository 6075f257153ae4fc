#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/report/html/heat_table.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/plot.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

// "layers.0" is the first layer, "layer 1" of the other charts.
std::string part_name(const std::string& group) {
  if (!group.starts_with("layers.")) return group;
  const auto digits = group.substr(7);
  const bool is_number = !digits.empty() && digits.size() < 5 &&
                         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? fmt::format("layer {}", std::stoi(digits) + 1) : group;
}

// Of one checkpoint: how far the weights moved, by part (rows) and kind (columns), in % of their length.
std::string weights_html(const Json& step) {
  std::vector<std::string> groups;
  std::vector<std::string> kinds;
  double most = 0;
  const auto add = [](std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto& change : part_at(step, "changes")) {
    add(groups, text_at(change, "group"));
    if (text_at(change, "kind") != "all") add(kinds, text_at(change, "kind"));
    const double distance = number_at(change, "relative_distance");
    if (std::isfinite(distance)) most = std::max(most, distance);
  }
  if (groups.empty()) return "";
  kinds.insert(kinds.begin(), "all");
  Table table;
  table.caption =
      fmt::format("How far the weights moved up to step {:.0f}, in % of their length", number_at(step, "step"));
  table.columns = {{"part", CellKind::kText}};
  for (const auto& kind : kinds) table.columns.push_back({kind == "attention_output" ? "output" : kind});
  for (const auto& group : groups) {
    std::vector<Cell> row = {text_cell(part_name(group))};
    row.resize(kinds.size() + 1);
    for (const auto& change : part_at(step, "changes")) {
      const auto kind = std::find(kinds.begin(), kinds.end(), text_at(change, "kind"));
      const double distance = number_at(change, "relative_distance");
      if (text_at(change, "group") != group || kind == kinds.end() || !std::isfinite(distance)) continue;
      row[static_cast<std::size_t>(kind - kinds.begin()) + 1] =
          heat_cell(fmt::format("{:.2f}", 100 * distance), most > 0 ? std::sqrt(distance / most) : 0);
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

std::vector<PlotPoint> points_of(const Json& values) {
  std::vector<PlotPoint> points;
  for (const auto& value : values) {
    points.push_back({static_cast<double>(points.size()),
                      value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN()});
  }
  return points;
}

Plot stages_plot(const char* id, const char* title, const char* y_title) {
  Plot plot{id, title, "after", y_title};
  plot.x_scale = ChartScale::kNames;
  return plot;
}

// "embeddings", "layer 1", ... for as many as the longest series has.
void name_stages(Plot& plot) {
  std::size_t stages = 0;
  for (const auto& series : plot.series) stages = std::max(stages, series.points.size());
  for (std::size_t i = 0; i < stages; ++i) plot.x_names.push_back(i == 0 ? "embeddings" : fmt::format("layer {}", i));
}

// Of the first set that the analysis looked at.
const Json& first_set(const Json& task) {
  static const Json kNull;
  const auto& sets = part_at(task, "sets");
  return sets.is_object() && !sets.empty() ? sets.begin().value() : kNull;
}

std::string similarity_html(const RunData& run, const Json& tasks) {
  auto plot = stages_plot("analysis-cka", "How alike hidden states are to before training", "CKA");
  plot.note = "1: the same but for turning and scaling. Lower: training changed more.";
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    const auto& set = first_set(part_at(tasks, run.tasks[i].name));
    plot.series.push_back({run.tasks[i].name, points_of(part_at(set, "cka")), Look::kMarked, i});
  }
  name_stages(plot);
  return plot_html(plot);
}

std::string substitution_html(const RunData& run, const Json& tasks) {
  Plot plot{"analysis-put-back", "What putting a part back to before training costs", "part put back",
            "change of the score"};
  plot.note = "Far below 0: the task needs what that part learned.";
  plot.x_scale = ChartScale::kNames;
  plot.least = plot.most = 0;
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    const auto& task = part_at(tasks, run.tasks[i].name);
    const auto& scores = part_at(task, "with_pretrained");
    if (!scores.is_object()) continue;
    auto& series = plot.series.emplace_back(PlotSeries{run.tasks[i].name, {}, Look::kMarked, i});
    for (const auto& [group, score] : scores.items()) {
      auto found = std::find(groups.begin(), groups.end(), group);
      if (found == groups.end()) found = groups.insert(groups.end(), group);
      if (!score.is_number()) continue;
      series.points.push_back(
          {static_cast<double>(found - groups.begin()), score.get<double>() - number_at(task, "trained")});
    }
  }
  for (const auto& group : groups) plot.x_names.push_back(part_name(group));
  return plot_html(plot);
}

std::string probes_html(const RunData& run, const Json& tasks) {
  std::string html;
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    const auto& probes = part_at(part_at(tasks, run.tasks[i].name), "probes");
    auto plot = stages_plot("", "", "score of a linear probe");
    plot.id = fmt::format("analysis-probes-{}", i);
    plot.title = fmt::format("{}: what linear probes find", run.tasks[i].name);
    plot.series = {{"before training", points_of(part_at(probes, "pretrained")), Look::kMarked, 1},
                   {"trained", points_of(part_at(probes, "trained")), Look::kMarked, 0}};
    name_stages(plot);
    html += plot_html(plot);
  }
  return html;
}

double mean_of(const Json& values) {
  double sum = 0;
  for (const auto& value : values) sum += value.is_number() ? value.get<double>() : 0;
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(values.size());
}

// Mean over the heads of each layer, before and after.
std::string attention_html(const RunData& run, const Json& tasks) {
  std::string html;
  for (const auto& task : run.tasks) {
    const auto& set = first_set(part_at(tasks, task.name));
    const auto& before = part_at(set, "attention_before");
    const auto& after = part_at(set, "attention_after");
    Table table;
    table.caption = fmt::format("{}: attention before and after training, mean over heads", task.name);
    table.columns = {{"layer", CellKind::kText}, {"entropy before"}, {"after"}, {"distance before"}, {"after"}};
    const auto layers = part_at(before, "entropy").is_array() ? part_at(before, "entropy").size() : 0;
    for (std::size_t i = 0; i < layers; ++i) {
      std::vector<Cell> row = {text_cell(std::to_string(i + 1))};
      for (const auto* kind : {"entropy", "distance"}) {
        for (const auto* when : {&before, &after}) {
          const auto& values = part_at(*when, kind);
          row.push_back(text_cell(values.is_array() && i < values.size() ? plot_number(mean_of(values[i])) : ""));
        }
      }
      table.rows.push_back(std::move(row));
    }
    if (!table.rows.empty()) html += table_html(table);
  }
  return html.empty() ? "" : details_html("analysis-attention", "Attention by layer", html);
}

}  // namespace

Section analysis_section(const RunData& run) {
  Section section{"analysis", "What changed, by layer", ""};
  if (!run.analysis.is_object()) return section;
  const auto& tasks = part_at(run.analysis, "tasks");
  section.html = cards_html(similarity_html(run, tasks) + substitution_html(run, tasks) + probes_html(run, tasks));
  std::vector<std::string> weights;
  for (const auto& step : part_at(run.analysis, "weights")) weights.push_back(weights_html(step));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    section.html +=
        i == 0 ? weights[i]
               : details_html(fmt::format("analysis-weights-{}", i), "The same of another checkpoint", weights[i]);
  }
  section.html += attention_html(run, tasks);
  return section;
}

}  // namespace berth::report::html

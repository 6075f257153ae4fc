#include <fmt/format.h>

#include <cmath>
#include <map>

#include "core/report/console.h"
#include "core/report/html/curve.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/plot.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

constexpr std::size_t kMostEvents = 50;
constexpr std::size_t kMostExamples = 8;

std::string figures_html(const RunData& run) {
  Table table;
  table.caption = "Throughput and memory";
  table.columns = {{"figure", CellKind::kText}, {"value"}};
  const auto add = [&](const char* name, const char* key, const auto& format) {
    const double value = number_at(run.summary, key);
    if (std::isfinite(value)) table.rows.push_back({text_cell(name), text_cell(format(value))});
  };
  const auto count = [](double value) { return count_text(static_cast<std::int64_t>(value)); };
  add("steps", "steps", count);
  add("time of training", "training_seconds", [](double value) { return format_duration(value); });
  add("time to the first step", "seconds_to_first_step", [](double value) { return fmt::format("{:.2f} s", value); });
  add("examples a second", "examples_per_second", [](double value) { return fmt::format("{:.1f}", value); });
  add("tokens a second", "tokens_per_second", [](double value) { return fmt::format("{:.0f}", value); });
  add("peak memory", "peak_resident_bytes", [](double value) { return fmt::format("{:.0f} MB", value / 1e6); });
  add("parameters", "parameters", count);
  add("of these trained", "trained_parameters", count);
  const auto products = text_at(run.summary, "products");
  if (!products.empty()) table.rows.push_back({text_cell("matrix products in"), text_cell(products)});
  return table.rows.empty() ? "" : table_html(table);
}

std::string speed_html(const RunData& run) {
  std::map<double, double> seconds;  // of training, by step
  for (const auto& task : run.tasks) {
    for (const auto& line : task.train) seconds[line.step] = line.seconds;
  }
  std::vector<PlotPoint> points;
  double last_step = 0;
  double last_seconds = 0;
  for (const auto& [step, now] : seconds) {
    if (now > last_seconds) points.push_back({step, (step - last_step) / (now - last_seconds)});
    last_step = step;
    last_seconds = now;
  }
  Plot plot{"speed", "Steps a second", "step", "steps a second"};
  plot.note = "Evaluations left out.";
  plot.least = 0;
  plot.series = {{"", thinned(points), Look::kLine, 0}};
  return plot_html(plot);
}

std::string not_finite_html(const RunData& run) {
  if (run.not_finite.empty()) return "<p>Every loss and every gradient was a number.</p>\n";
  Table table;
  table.caption = "Steps whose numbers were not finite";
  table.columns = {{"step", CellKind::kText},
                   {"what", CellKind::kText},
                   {"what was done", CellKind::kText},
                   {"examples of the batch", CellKind::kText}};
  for (std::size_t i = 0; i < std::min(run.not_finite.size(), kMostEvents); ++i) {
    const auto& event = run.not_finite[i];
    std::string examples;
    for (std::size_t j = 0; j < std::min(event.examples.size(), kMostExamples); ++j) {
      examples.append(j == 0 ? "" : ", ").append(event.examples[j]);
    }
    if (event.examples.size() > kMostExamples) {
      examples += fmt::format(" and {} more", event.examples.size() - kMostExamples);
    }
    table.rows.push_back({text_cell(fmt::format("{:.0f}", event.step)), text_cell(event.what), text_cell(event.action),
                          text_cell(examples)});
  }
  return table_html(table) + more_html(run.not_finite.size(), kMostEvents, "metrics.jsonl");
}

}  // namespace

Section running_section(const RunData& run) {
  return {"running", "Speed, memory, numbers",
          cards_html(card_html(figures_html(run)) + speed_html(run)) + not_finite_html(run)};
}

}  // namespace berth::report::html

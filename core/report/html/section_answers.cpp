#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/report/html/heat_table.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/plot.h"
#include "core/report/html/sections.h"
#include "core/report/html/shown_html.h"

namespace berth::report::html {
namespace {

constexpr std::size_t kMostWorst = 20;  // examples of a set
constexpr std::size_t kMostOpen = 3;    // of these, to be seen at once
constexpr std::size_t kMostLabels = 40;

// One set of a task.
struct AnswersOf {
  const TaskRun& task;
  const std::string& set;
  const Json& shown;
  std::string id;  // begins the ids of what is shown of it
};

std::string confusion_html(const AnswersOf& answers) {
  const auto& confusion = part_at(answers.shown, "confusion");
  const auto& labels = part_at(confusion, "labels");
  const auto& counts = part_at(confusion, "counts");
  if (!labels.is_array() || !counts.is_array() || labels.empty()) return "";
  Table table;
  table.caption = fmt::format("Confusion on {}", answers.set);
  table.note = "Rows: what is true. Columns: what was answered. Darker: a larger share of the row.";
  table.columns = {{"true", CellKind::kText}};
  const auto shown = std::min(labels.size(), kMostLabels);
  const auto name_of = [&](std::size_t i) { return labels[i].is_string() ? labels[i].get<std::string>() : ""; };
  for (std::size_t i = 0; i < shown; ++i) table.columns.push_back({shortened(name_of(i), 24)});
  for (std::size_t i = 0; i < std::min(shown, counts.size()); ++i) {
    double sum = 0;
    for (const auto& count : counts[i]) sum += count.is_number() ? count.get<double>() : 0;
    std::vector<Cell> row = {text_cell(name_of(i))};
    for (std::size_t j = 0; j < shown; ++j) {
      const auto has_count = counts[i].is_array() && j < counts[i].size() && counts[i][j].is_number();
      const double count = has_count ? counts[i][j].get<double>() : 0;
      auto cell = heat_cell(fmt::format("{:.0f}", count), sum > 0 ? count / sum : 0);
      if (i == j) cell.css_class += " right";
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table) + more_html(labels.size(), kMostLabels);
}

std::string calibration_html(const AnswersOf& answers) {
  const auto& calibration = part_at(answers.shown, "calibration");
  Plot plot{answers.id + "-calibration", fmt::format("Calibration on {}", answers.set)};
  const double ece = number_at(calibration, "ece");
  plot.note = "On the dashed line, answers are right as often as they are sure.";
  if (std::isfinite(ece)) plot.note += fmt::format(" Expected calibration error (ECE): {:.4f}.", ece);
  plot.x_title = "confidence";
  plot.y_title = "share that is right";
  plot.least = 0;
  plot.most = 1;
  plot.guide = Guide::kDiagonal;
  plot.bar_width = 0.1;
  PlotSeries bars{"right in the bin", {}, Look::kBars, 0};
  PlotSeries marks{"at its mean confidence", {}, Look::kMarks, 1};
  for (const auto& bin : part_at(calibration, "bins")) {
    const double accuracy = number_at(bin, "accuracy");
    const auto note = fmt::format("{:.0f} answers", number_at(bin, "count"));
    PlotPoint bar;
    bar.x = (number_at(bin, "low") + number_at(bin, "high")) / 2;
    bar.y = accuracy;
    bar.note = note;
    bars.points.push_back(bar);
    bar.x = number_at(bin, "confidence");
    marks.points.push_back(std::move(bar));
  }
  plot.series = {std::move(bars), std::move(marks)};
  return plot_html(plot);
}

std::string worst_html(const AnswersOf& answers) {
  const auto& worst = part_at(answers.shown, "worst");
  if (!worst.is_array() || worst.empty()) return "";
  std::string first;
  std::string rest;
  const auto shown = std::min(worst.size(), kMostWorst);
  for (std::size_t i = 0; i < shown; ++i) {
    auto& list = i < kMostOpen ? first : rest;
    list += fmt::format("<li>{}</li>\n", shown_html(worst[i], fmt::format("{}-w{}", answers.id, i)));
  }
  auto html = fmt::format("<h4>Worst errors on {}</h4>\n<ol class=\"worst\">\n{}</ol>\n", escaped(answers.set), first);
  if (!rest.empty()) {
    html += details_html(answers.id + "-more", fmt::format("{} further errors", shown - kMostOpen),
                         fmt::format("<ol class=\"worst\" start=\"{}\">\n{}</ol>\n", kMostOpen + 1, rest));
  }
  const double wrong = number_at(answers.shown, "wrong");
  const auto all =
      std::isfinite(wrong) ? std::max(static_cast<std::size_t>(std::max(wrong, 0.0)), worst.size()) : worst.size();
  return html + more_html(all, shown, "the set's file in predictions/");
}

std::string set_html(const AnswersOf& answers) {
  const double examples = number_at(answers.shown, "examples");
  const double wrong = number_at(answers.shown, "wrong");
  std::string html;
  if (std::isfinite(examples) && std::isfinite(wrong)) {
    html += fmt::format("<p>{}: {} of {} examples are wrong.</p>\n", escaped(answers.set),
                        count_text(static_cast<std::int64_t>(wrong)), count_text(static_cast<std::int64_t>(examples)));
  }
  html += cards_html(card_html(confusion_html(answers)) + calibration_html(answers));
  return html + worst_html(answers);
}

constexpr const char* kKey =
    "<p class=\"legend\">In the texts: <mark class=\"answer\">what was answered</mark>, <mark class=\"truth\">what was "
    "expected</mark>, <mark class=\"answer truth\">both</mark>, <mark class=\"source\">what a part of the answer was "
    "copied from</mark>. Copied words are links to where they come from, and back.</p>\n";

}  // namespace

Section answers_section(const RunData& run) {
  Section section{"answers", "Answers", ""};
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    const auto& task = run.tasks[i];
    if (task.shown.empty()) continue;
    if (section.html.empty()) section.html = kKey;
    section.html += fmt::format("<h3>{}</h3>\n", escaped(task.name));
    std::size_t place = 0;
    for (const auto& [set, shown] : task.shown) {
      section.html += set_html({task, set, shown, fmt::format("answers-{}-{}", i, place++)});
    }
  }
  return section;
}

}  // namespace berth::report::html

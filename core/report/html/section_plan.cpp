#include <fmt/format.h>

#include <algorithm>

#include "core/report/html/html_writer.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

constexpr std::size_t kMostParameters = 400;

std::string rate_text(double rate) { return rate > 0 ? fmt::format("{:.3g}", rate) : "\u2013"; }

// What of a group is treated alike.
struct GroupRow {
  std::string group, status;
  double least_rate = 0;
  double most_rate = 0;
  std::size_t tensors = 0;
  std::int64_t numbers = 0;
};

std::vector<GroupRow> groups_of(const std::vector<ParameterLine>& plan) {
  std::vector<GroupRow> rows;
  for (const auto& line : plan) {
    auto row = std::find_if(rows.begin(), rows.end(), [&](const GroupRow& other) {
      return other.group == line.group && other.status == line.status;
    });
    if (row == rows.end()) {
      rows.push_back({line.group, line.status, line.rate, line.rate});
      row = std::prev(rows.end());
    }
    row->least_rate = std::min(row->least_rate, line.rate);
    row->most_rate = std::max(row->most_rate, line.rate);
    row->numbers += line.numbers;
    ++row->tensors;
  }
  return rows;
}

Table groups_table(const RunData& run) {
  Table table;
  table.caption = "What learned, and how fast";
  table.columns = {
      {"part", CellKind::kText}, {"status", CellKind::kText}, {"top rate"}, {"tensors"}, {"numbers"}, {"share"}};
  std::int64_t all = 0;
  for (const auto& line : run.plan) all += line.numbers;
  for (const auto& row : groups_of(run.plan)) {
    const auto rate = row.least_rate == row.most_rate
                          ? rate_text(row.most_rate)
                          : fmt::format("{} to {}", rate_text(row.least_rate), rate_text(row.most_rate));
    const double share = 100 * static_cast<double>(row.numbers) / static_cast<double>(std::max<std::int64_t>(all, 1));
    table.rows.push_back({text_cell(row.group), text_cell(row.status), text_cell(rate),
                          text_cell(std::to_string(row.tensors)), text_cell(count_text(row.numbers)),
                          text_cell(fmt::format("{:.1f}%", share))});
  }
  return table;
}

Table parameters_table(const RunData& run) {
  Table table;
  table.caption = "Each parameter";
  table.columns = {
      {"parameter", CellKind::kText}, {"status", CellKind::kText}, {"rate"}, {"weight decay"}, {"numbers"}};
  for (std::size_t i = 0; i < std::min(run.plan.size(), kMostParameters); ++i) {
    const auto& line = run.plan[i];
    table.rows.push_back({text_cell(line.name), text_cell(line.status), text_cell(rate_text(line.rate)),
                          text_cell(rate_text(line.weight_decay)), text_cell(count_text(line.numbers))});
  }
  return table;
}

}  // namespace

Section plan_section(const RunData& run) {
  Section section{"plan", "Parameter plan", ""};
  if (run.plan.empty()) return section;
  section.html = table_html(groups_table(run));
  section.html +=
      details_html("plan-all", fmt::format("All {} parameters", run.plan.size()),
                   table_html(parameters_table(run)) + more_html(run.plan.size(), kMostParameters, "metrics.jsonl"));
  return section;
}

}  // namespace berth::report::html

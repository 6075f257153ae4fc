// A matrix for people, for programs, and drawn.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/report/svg_chart.h"
#include "core/report/text_table.h"
#include "core/sweep/matrix.h"

namespace berth::sweep {
namespace {

using Json = nlohmann::ordered_json;

Json ends(const statistics::Interval& interval) { return {interval.low, interval.high}; }

std::string interval_text(const statistics::Interval& interval, const char* none) {
  return std::isfinite(interval.low) ? fmt::format("{:.3f} to {:.3f}", interval.low, interval.high) : none;
}

// One of the two intervals for every cell.
std::string intervals_table(const Matrix& matrix, const char* title, statistics::Interval MatrixCell::*interval) {
  std::vector<std::vector<std::string>> table = {{title}};
  table[0].insert(table[0].end(), matrix.domains.begin(), matrix.domains.end());
  for (std::size_t i = 0; i < matrix.domains.size(); ++i) {
    table.push_back({matrix.domains[i]});
    for (const auto& cell : matrix.cells[i]) table.back().push_back(interval_text(cell.*interval, "-"));
  }
  return report::text_table(table);
}

bool has_seeds(const Matrix& matrix) {
  for (const auto& row : matrix.cells) {
    for (const auto& cell : row) {
      if (cell.scores.size() > 1) return true;
    }
  }
  return false;
}

}  // namespace

std::string to_text(const Matrix& matrix) {
  std::vector<std::vector<std::string>> table = {{"trained on \\ tested on"}};
  table[0].insert(table[0].end(), matrix.domains.begin(), matrix.domains.end());
  for (std::size_t i = 0; i < matrix.domains.size(); ++i) {
    table.push_back({matrix.domains[i]});
    for (const auto& cell : matrix.cells[i]) {
      auto text = std::isfinite(cell.mean) ? fmt::format("{:.4f}", cell.mean) : "-";
      if (std::isfinite(cell.deviation)) text += fmt::format(" +- {:.4f}", cell.deviation);
      table.back().push_back(std::move(text));
    }
  }
  auto text =
      fmt::format("{} on {}{}\n", matrix.score, matrix.set, matrix.is_lower_better ? " (lower is better)" : "") +
      report::text_table(table) + "\n" + intervals_table(matrix, "95% over examples", &MatrixCell::over_examples);
  if (has_seeds(matrix)) text += "\n" + intervals_table(matrix, "95% over seeds", &MatrixCell::over_seeds);
  return text;
}

std::string to_json(const Matrix& matrix) {
  Json json = {{"domains", matrix.domains}, {"set", matrix.set}, {"score", matrix.score}};
  if (matrix.is_lower_better) json["lower_is_better"] = true;
  json["cells"] = Json::array();
  for (std::size_t i = 0; i < matrix.domains.size(); ++i) {
    for (std::size_t j = 0; j < matrix.domains.size(); ++j) {
      const auto& cell = matrix.cells[i][j];
      Json scores = Json::array();
      for (const double score : cell.scores) scores.push_back(score);
      json["cells"].push_back({{"trained_on", matrix.domains[i]},
                               {"tested_on", matrix.domains[j]},
                               {"mean", cell.mean},
                               {"deviation", cell.deviation},
                               {"scores", std::move(scores)},
                               {"interval_over_seeds", ends(cell.over_seeds)},
                               {"interval_over_examples", ends(cell.over_examples)}});
    }
  }
  return json.dump(2) + "\n";
}

std::string to_svg(const Matrix& matrix) {
  report::HeatMap map;
  map.title = fmt::format("{} on {}, 95% interval over examples", matrix.score, matrix.set);
  map.row_title = "trained on";
  map.column_title = "tested on";
  map.rows = matrix.domains;
  map.columns = matrix.domains;
  for (const auto& row : matrix.cells) {
    auto& drawn = map.cells.emplace_back();
    for (const auto& cell : row) drawn.push_back({cell.mean, interval_text(cell.over_examples, "")});
  }
  return report::draw(map);
}

}  // namespace berth::sweep

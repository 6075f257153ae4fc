// What a sweep found: a table with intervals, which setting matters, which combination is steadier, what failed; for
// people, for programs (JSON, CSV), and as a chart.
#pragma once

#include <string>
#include <vector>

#include "core/statistics/sample.h"
#include "core/statistics/variance.h"
#include "core/sweep/search.h"

namespace berth::sweep {

// A combination with its runs on the highest rung that it came to.
struct Row {
  std::size_t point = 0;
  std::size_t rung = 0;
  std::vector<const Run*> runs;  // that have ended
  std::vector<double> scores;    // of those that have one, failed or not
  double mean = 0;
  double deviation = 0;
  statistics::Interval interval = {};  // of the mean, at 95%
  std::size_t failed = 0;
};

// The effect of a setting, or of the seed, on the scores of the lowest rung, where every combination is.
struct Importance {
  std::string setting;
  statistics::Effect effect;
};

struct SweepReport {
  std::vector<Row> rows;               // the best first: by rung, then by mean
  std::vector<Importance> importance;  // the largest first; none where nothing varies
  statistics::Test levene = {};        // between the combinations; NaN where there are fewer than 3 seeds each
  bool is_lower_better = false;
};

SweepReport report_on(const Search& search);

std::string to_text(const SweepReport& report, const Search& search);
std::string to_json(const SweepReport& report, const Search& search);
std::string to_csv(const Search& search);  // a line a run
std::string to_svg(const SweepReport& report, const Search& search);

}  // namespace berth::sweep

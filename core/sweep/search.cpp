#include "core/sweep/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

namespace berth::sweep {
namespace {

constexpr double kWorst = -std::numeric_limits<double>::infinity();

// Points whose suites come out the same are one: two runs in one folder would be in each other's way.
void drop_repeats(Space& space) {
  Space distinct{space.config, {}, {}};
  std::set<std::string> seen;
  for (std::size_t i = 0; i < space.points.size(); ++i) {
    if (!seen.insert(make_trial(space.suites[i], "").id).second) continue;
    distinct.points.push_back(std::move(space.points[i]));
    distinct.suites.push_back(std::move(space.suites[i]));
  }
  space = std::move(distinct);
}

}  // namespace

double goodness(const Outcome& outcome) {
  if (!outcome.score) return kWorst;
  return outcome.is_lower_better ? -*outcome.score : *outcome.score;
}

Search::Search(Space space, std::filesystem::path folder, std::function<void(const Run&, const Ending&)> told)
    : space_(std::move(space)),
      folder_(std::move(folder)),
      told_(std::move(told)),
      seeds_(space_.config.seeds),
      rungs_(space_.config.search == suite::Search::kHalving ? static_cast<std::size_t>(space_.config.rungs) : 1) {
  drop_repeats(space_);
  rung_of_.resize(space_.points.size(), 0);
  if (seeds_.empty()) seeds_.push_back(space_.suites.front().training.seed);
}

double Search::training_share(std::size_t rung) const {
  return std::pow(static_cast<double>(space_.config.reduction),
                  static_cast<double>(rung) - static_cast<double>(rungs_ - 1));
}

void Search::add(std::size_t point, std::size_t rung) {
  const double share = training_share(rung);
  for (const auto seed : seeds_) {
    auto suite = space_.suites[point];
    suite.training.seed = seed;
    suite.evaluation.before = true;  // what no training scores
    suite.analysis.at_end = false;
    if (suite.training.steps > 0) {
      const auto steps = std::llround(static_cast<double>(suite.training.steps) * share);
      suite.training.steps = std::max<std::int64_t>(1, steps);
    } else {
      suite.training.epochs *= share;
    }
    auto title = describe(space_.config, space_.points[point]);
    if (seeds_.size() > 1) title += fmt::format(" seed {}", seed);
    if (rung + 1 < rungs_) title += fmt::format(" ({:.3g} of the training)", share);
    runs_.push_back({point, rung, seed, make_trial(std::move(suite), std::move(title)), false, {}});
  }
  rung_of_[point] = rung;
}

std::optional<Trial> Search::next() {
  if (next_run_ == runs_.size() && !promote() && next_point_ < space_.points.size()) add(next_point_++, 0);
  if (next_run_ == runs_.size()) return std::nullopt;
  return runs_[next_run_++].trial;
}

bool Search::promote() {
  for (std::size_t above = rungs_ - 1; above > 0; --above) {
    const auto ranked = ranking(above - 1);
    const auto best = ranked.size() / static_cast<std::size_t>(space_.config.reduction);
    for (std::size_t i = 0; i < best; ++i) {
      const auto [good, point] = ranked[i];
      if (good == kWorst || rung_of_[point] >= above) continue;
      add(point, above);
      return true;
    }
  }
  return false;
}

std::vector<std::pair<double, std::size_t>> Search::ranking(std::size_t rung) const {
  struct Sum {
    double goodness = 0;
    std::size_t ended = 0;
  };
  std::map<std::size_t, Sum> sums;
  for (const auto& run : runs_) {
    if (run.rung != rung || !run.has_ended) continue;
    sums[run.point].goodness += goodness(run.outcome);
    ++sums[run.point].ended;
  }
  std::vector<std::pair<double, std::size_t>> ranked;
  for (const auto& [point, sum] : sums) {
    if (sum.ended == seeds_.size()) ranked.emplace_back(sum.goodness / static_cast<double>(sum.ended), point);
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return ranked;
}

void Search::ended(const Trial& trial, const Ending& ending) {
  const auto run =
      std::find_if(runs_.begin(), runs_.end(), [&](const Run& r) { return r.trial.id == trial.id && !r.has_ended; });
  run->has_ended = true;
  if (ending.code == 0) {
    run->outcome = read_outcome(TrialFolder(folder_, trial.id), space_.config.score);
  } else {
    run->outcome.failure = fmt::format("exit code {}: {}", ending.code, ending.message);
  }
  keep_best(*run);
  told_(*run, ending);
}

// In an order without ties, so that a sweep that goes on comes to the same best run as before.
void Search::keep_best(const Run& run) {
  const auto order = [](const Run& r) { return std::tuple(r.rung, goodness(r.outcome), r.trial.id); };
  const Run* worse = &run;
  if (run.outcome.score && (best_ == nullptr || order(*best_) < order(run))) worse = std::exchange(best_, &run);
  if (worse == nullptr || space_.config.keep_checkpoints == suite::KeepCheckpoints::kAll) return;
  if (best_ != nullptr && worse->trial.id == best_->trial.id) return;
  std::error_code ignored;  // disk space alone is at stake
  std::filesystem::remove_all(TrialFolder(folder_, worse->trial.id).run() / "checkpoints", ignored);
}

}  // namespace berth::sweep

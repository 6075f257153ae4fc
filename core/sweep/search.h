// What is trained next: every combination with every seed, or, by asynchronous successive halving (ASHA; Li et al.
// 2020, "A system for massively parallel hyperparameter tuning", algorithm 2), all of them a little and the better ones
// more.
//
// A rung is a share of the suite's training: with a reduction of 3 and 3 rungs, a ninth, a third and all of its epochs
// or steps, each with the schedule over its own length. A combination that is among the best third of its rung so far
// is trained anew, from the pre-trained weights, on the next one: a run can't go on from another's checkpoint, so that
// a rung costs a bit more than in the paper, and no run is tuned to the schedule of another length.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "core/sweep/runner.h"
#include "core/sweep/space.h"

namespace berth::sweep {

struct Run {
  std::size_t point = 0;
  std::size_t rung = 0;
  std::int64_t seed = 0;
  Trial trial;
  bool has_ended = false;
  Outcome outcome;
};

// How good a run's score is, such that more is better; minus infinity where it has none.
double goodness(const Outcome& outcome);

// A sweep as read: `suites` is one a point, with the point's settings.
struct Space {
  suite::SweepConfig config;
  std::vector<Point> points;
  std::vector<suite::Suite> suites;
};

class Search final : public TrialQueue {
 public:
  // told: called after each run.
  Search(Space space, std::filesystem::path folder, std::function<void(const Run&, const Ending&)> told);

  std::optional<Trial> next() override;
  void ended(const Trial& trial, const Ending& ending) override;

  const Space& space() const { return space_; }
  const std::deque<Run>& runs() const { return runs_; }  // in the order of their start
  const std::vector<std::int64_t>& seeds() const { return seeds_; }
  std::size_t rungs() const { return rungs_; }
  double training_share(std::size_t rung) const;  // of the suite's, in (0, 1]

  // The run whose checkpoints are kept: the best one of the highest rung that there is. Null where none has a score.
  const Run* best() const { return best_; }

 private:
  void add(std::size_t point, std::size_t rung);
  bool promote();
  // The points that have all their runs of a rung, the best first; -inf for one with a run that failed to score.
  std::vector<std::pair<double, std::size_t>> ranking(std::size_t rung) const;
  void keep_best(const Run& run);

  Space space_;
  std::filesystem::path folder_;
  std::function<void(const Run&, const Ending&)> told_;
  std::vector<std::int64_t> seeds_;
  std::size_t rungs_;
  std::size_t next_point_ = 0;
  std::size_t next_run_ = 0;          // of runs_, to be started
  std::deque<Run> runs_;              // a deque: best_ points into it
  std::vector<std::size_t> rung_of_;  // of each point, the highest that it was sent to
  const Run* best_ = nullptr;
};

}  // namespace berth::sweep

// Whether a result holds up elsewhere: every task of a suite is a domain; a run is trained on each alone, and tested on
// the sets of all. Called by `berth matrix`.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/plugin/registry.h"
#include "core/statistics/sample.h"
#include "core/sweep/runner.h"

namespace berth::sweep {

struct MatrixOptions {
  std::string set = "dev";          // of each domain, that is tested on
  std::vector<std::int64_t> seeds;  // each domain is trained with each
  std::int64_t resamples = 1000;    // of the examples, for the intervals
};

// Throws Error kConfig where the suite's tasks are no domains of one plugin, lack training sets, or lack the set.
void check_domains(const suite::Suite& suite, const MatrixOptions& options);

// That every domain's model can be scored on every other domain's set, before anything is trained: rows that can't be
// read, labels that a model would not know. Throws Error kContent, which names both domains and the row.
void check_labels(const suite::Suite& suite, const MatrixOptions& options, const plugin::Registry& registry);

struct MatrixRun {
  std::size_t domain = 0;  // trained on
  std::int64_t seed = 0;
  Trial trial;
  bool has_ended = false;
  std::string failure;  // "" for none
};

// The runs of a matrix, domain by domain.
class MatrixQueue final : public TrialQueue {
 public:
  using Told = std::function<void(const MatrixRun&, const Ending&)>;
  MatrixQueue(const suite::Suite& suite, const MatrixOptions& options, Told told);

  std::optional<Trial> next() override;
  void ended(const Trial& trial, const Ending& ending) override;

  const std::deque<MatrixRun>& runs() const { return runs_; }

 private:
  Told told_;
  std::deque<MatrixRun> runs_;
  std::size_t next_ = 0;
};

// What one run's best checkpoint scores on one domain's set.
struct CellScore {
  double value = 0;
  std::string name;  // of the score
  bool is_lower_better = false;
  std::int64_t examples = 0;
  std::vector<double> resampled;  // scores of resamples of the set
};

// The matrix as a whole, and where it lies.
struct MatrixSite {
  const suite::Suite& suite;
  const MatrixOptions& options;
  const plugin::Registry& registry;
  std::filesystem::path folder;
  std::function<bool()> wants_stop;
};

// The run's scores on all domains, in their order. Kept beside the run, and read from there where the suite is still
// the same. Throws evaluation::Stopped.
std::vector<CellScore> cell_scores(const MatrixSite& site, const MatrixRun& run);

// One domain's models on one domain's set.
struct MatrixCell {
  std::vector<double> scores;  // one a seed
  double mean = 0;
  double deviation = 0;                     // over the seeds
  statistics::Interval over_seeds = {};     // of the mean; NaN for one seed
  statistics::Interval over_examples = {};  // of the mean over the seeds, for other examples of the domain
};

struct Matrix {
  std::vector<std::string> domains;
  std::string set;
  std::string score;
  bool is_lower_better = false;
  std::vector<std::vector<MatrixCell>> cells;  // [trained on][tested on]
};

// scores: of each run of the queue, none of one that failed.
Matrix make_matrix(const suite::Suite& suite, const MatrixOptions& options, const std::deque<MatrixRun>& runs,
                   const std::vector<std::vector<CellScore>>& scores);

std::string to_text(const Matrix& matrix);
std::string to_json(const Matrix& matrix);
std::string to_svg(const Matrix& matrix);

}  // namespace berth::sweep

#include "core/statistics/resampling.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "core/training/random.h"

namespace berth::statistics {
namespace {

training::Random random_for(const ResamplingOptions& options, const char* what) {
  return training::Random(training::mix({options.seed, training::hash_name(what)}));
}

void draw(training::Random& random, std::vector<std::size_t>& picks) {
  for (auto& pick : picks) pick = static_cast<std::size_t>(random.below(picks.size()));
}

// Sums are rounded differently in another order: a difference that equals the one found must count as one.
bool reaches(double value, double found) { return std::abs(value) >= std::abs(found) - 1e-12 * (1 + std::abs(found)); }

double share_with_found(std::int64_t count, std::int64_t all) {
  return static_cast<double>(count + 1) / static_cast<double>(all + 1);
}

std::vector<std::size_t> everything(std::size_t examples) {
  std::vector<std::size_t> picks(examples);
  std::iota(picks.begin(), picks.end(), std::size_t{0});
  return picks;
}

}  // namespace

std::vector<double> bootstrap_scores(std::size_t examples, const Statistic& statistic,
                                     const ResamplingOptions& options) {
  auto random = random_for(options, "bootstrap");
  std::vector<std::size_t> picks(examples);
  std::vector<double> scores;
  for (std::int64_t i = 0; i < options.resamples && examples > 0; ++i) {
    draw(random, picks);
    scores.push_back(statistic(picks));
  }
  return scores;
}

Interval percentile_interval(const std::vector<double>& scores, double level) {
  std::vector<double> defined;
  for (const double score : scores) {
    if (!std::isnan(score)) defined.push_back(score);
  }
  return {quantile(defined, (1 - level) / 2), quantile(defined, (1 + level) / 2)};
}

Difference paired_bootstrap(std::size_t examples, const Statistic& first, const Statistic& second,
                            const ResamplingOptions& options) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (examples == 0) return {kNaN, {kNaN, kNaN}, kNaN};
  auto random = random_for(options, "paired bootstrap");
  auto picks = everything(examples);
  const double found = first(picks) - second(picks);
  std::vector<double> differences;
  std::int64_t as_far = 0;
  for (std::int64_t i = 0; i < options.resamples; ++i) {
    draw(random, picks);
    const double difference = first(picks) - second(picks);
    if (std::isnan(difference)) continue;
    differences.push_back(difference);
    if (reaches(difference - found, found)) ++as_far;
  }
  if (std::isnan(found) || differences.empty()) return {found, {kNaN, kNaN}, kNaN};
  return {found, percentile_interval(differences, options.level),
          share_with_found(as_far, static_cast<std::int64_t>(differences.size()))};
}

double approximate_randomisation(std::size_t examples, const ExchangedDifference& difference,
                                 const ResamplingOptions& options) {
  auto random = random_for(options, "approximate randomisation");
  std::vector<bool> is_exchanged(examples, false);
  const double found = difference(is_exchanged);
  if (std::isnan(found)) return found;
  std::int64_t as_large = 0;
  std::int64_t defined = 0;
  for (std::int64_t i = 0; i < options.resamples; ++i) {
    for (std::size_t e = 0; e < examples; ++e) is_exchanged[e] = random.below(2) == 1;
    const double value = difference(is_exchanged);
    if (std::isnan(value)) continue;
    ++defined;
    if (reaches(value, found)) ++as_large;
  }
  return share_with_found(as_large, defined);
}

}  // namespace berth::statistics

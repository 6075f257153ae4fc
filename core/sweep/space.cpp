#include "core/sweep/space.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/training/random.h"

namespace berth::sweep {
namespace {

// How often in a row a draw may repeat what is there before the space counts as used up.
constexpr int kMostRepeats = 1000;

// share: of the way between the ends, in [0, 1].
double number_at(const suite::SweepRange& range, double share) {
  if (range.scale == suite::SweepScale::kLinear) return range.from + share * (range.to - range.from);
  return range.from * std::pow(range.to / range.from, share);
}

std::vector<suite::SweepChoice> choices_of(const suite::SweepSetting& setting) {
  if (!setting.range) return setting.choices;
  std::vector<suite::SweepChoice> choices;
  for (std::int64_t i = 0; i < setting.range->count; ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(setting.range->count - 1);
    choices.push_back(choice_of(setting, number_at(*setting.range, share)));
  }
  return choices;
}

suite::SweepChoice draw(const suite::SweepSetting& setting, training::Random& random) {
  if (!setting.range || setting.range->count > 0) {
    const auto choices = choices_of(setting);
    return choices[static_cast<std::size_t>(random.below(choices.size()))];
  }
  const auto& range = *setting.range;
  if (range.is_integer && range.scale == suite::SweepScale::kLinear) {  // both ends as often as any other
    const auto count = static_cast<std::uint64_t>(range.to - range.from) + 1;
    return choice_of(setting, range.from + static_cast<double>(random.below(count)));
  }
  return choice_of(setting, number_at(range, random.uniform()));
}

std::vector<Point> grid(const suite::SweepConfig& config) {
  std::vector<Point> points = {{}};
  for (const auto& setting : config.settings) {
    std::vector<Point> longer;
    for (const auto& point : points) {
      for (const auto& choice : choices_of(setting)) {
        longer.push_back(point);
        longer.back().push_back(choice);
      }
    }
    points = std::move(longer);
  }
  return points;
}

// Each point once, at the place where it came first.
class Distinct {
 public:
  bool add(Point point) {
    if (!seen_.insert(sets_of(point)).second) return false;
    points_.push_back(std::move(point));
    return true;
  }
  std::vector<Point> take() { return std::move(points_); }
  std::size_t size() const { return points_.size(); }

 private:
  std::set<std::vector<std::string>> seen_;
  std::vector<Point> points_;
};

}  // namespace

std::string describe(const suite::SweepConfig& config, const Point& point) {
  std::string text;
  for (std::size_t i = 0; i < point.size(); ++i) {
    text += (text.empty() ? "" : " ") + config.settings[i].name + "=" + point[i].text;
  }
  return text.empty() ? "as the suite says" : text;
}

std::vector<std::string> sets_of(const Point& point) {
  std::vector<std::string> sets;
  for (const auto& choice : point) sets.insert(sets.end(), choice.sets.begin(), choice.sets.end());
  return sets;
}

std::vector<Point> points(const suite::SweepConfig& config) {
  Distinct distinct;
  if (config.search == suite::Search::kGrid || config.settings.empty()) {
    for (auto& point : grid(config)) distinct.add(std::move(point));
    return distinct.take();
  }
  training::Random random(training::stream_seed(config.seed, "sweep"));
  int repeats = 0;
  while (distinct.size() < static_cast<std::size_t>(config.trials) && repeats < kMostRepeats) {
    Point point;
    for (const auto& setting : config.settings) point.push_back(draw(setting, random));
    repeats = distinct.add(std::move(point)) ? 0 : repeats + 1;
  }
  return distinct.take();
}

}  // namespace berth::sweep

#include "tallies.h"

#include <limits>

#include "berth/error.h"

namespace berth::kit {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double divide(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace

PrecisionRecall scores_of(const Tally& t) {
  return {divide(t.both, t.predicted), divide(t.both, t.truth), divide(2 * t.both, t.truth + t.predicted)};
}

AveragedPrecisionRecall averages_of(const std::vector<Tally>& labels) {
  Tally all;
  AveragedPrecisionRecall result;
  const auto add = [](PrecisionRecall& sum, const PrecisionRecall& s, double weight) {
    sum.precision += weight * s.precision;
    sum.recall += weight * s.recall;
    sum.f1 += weight * s.f1;
  };
  for (const Tally& t : labels) {
    all.both += t.both;
    all.truth += t.truth;
    all.predicted += t.predicted;
    add(result.macro, scores_of(t), 1);
    add(result.weighted, scores_of(t), t.truth);
  }
  const auto scale = [](PrecisionRecall& s, double by) {
    s = {divide(s.precision, by), divide(s.recall, by), divide(s.f1, by)};
  };
  scale(result.macro, static_cast<double>(labels.size()));
  scale(result.weighted, all.truth);
  result.micro = scores_of(all);
  return result;
}

AveragedPrecisionRecall undefined_averages() {
  const PrecisionRecall undefined{kNaN, kNaN, kNaN};
  return {undefined, undefined, undefined};
}

Json parse_state(std::string_view state) {
  JsonLimits limits;
  limits.max_bytes = std::numeric_limits<std::size_t>::max();
  return parse_json(state, {}, limits);
}

[[noreturn]] void wrong_state() {
  throw Error(ErrorKind::kContent, "a meter's state from another process has another form; do all run the same berth?");
}

}  // namespace berth::kit

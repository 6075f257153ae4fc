#include "berth/kit/entity_meter.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "berth/kit/json.h"
#include "tallies.h"

namespace berth::kit {
namespace {

template <typename Counts>
Tally tally_of(const Counts& counts) {
  return {static_cast<double>(counts.both), static_cast<double>(counts.truth), static_cast<double>(counts.predicted)};
}

bool before(const EntitySpan& a, const EntitySpan& b) {
  return std::tie(a.begin, a.end, a.type) < std::tie(b.begin, b.end, b.type);
}

std::vector<EntitySpan> sorted(std::vector<EntitySpan> entities) {
  std::sort(entities.begin(), entities.end(), before);
  return entities;
}

}  // namespace

void EntityMeter::add(const std::vector<EntitySpan>& truth, const std::vector<EntitySpan>& predicted) {
  ++sentences_;
  for (const EntitySpan& entity : truth) ++types_[entity.type].truth;
  for (const EntitySpan& entity : predicted) ++types_[entity.type].predicted;
  std::vector<EntitySpan> both;
  const std::vector<EntitySpan> a = sorted(truth);
  const std::vector<EntitySpan> b = sorted(predicted);
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both), before);
  for (const EntitySpan& entity : both) ++types_[entity.type].both;
}

AveragedPrecisionRecall EntityMeter::averages() const {
  if (sentences_ == 0) return undefined_averages();
  std::vector<Tally> tallies;
  for (const auto& entry : types_) tallies.push_back(tally_of(entry.second));
  AveragedPrecisionRecall averages = averages_of(tallies);
  if (types_.empty()) averages.macro = undefined_averages().macro;
  return averages;
}

PrecisionRecall EntityMeter::of(const std::string& type) const {
  const auto found = types_.find(type);
  return found == types_.end() ? undefined_averages().micro : scores_of(tally_of(found->second));
}

std::string EntityMeter::state() const {
  Json::Array types;
  for (const auto& [type, c] : types_) types.emplace_back(Json::Array{type, c.both, c.truth, c.predicted});
  Json state;
  state.set("sentences", sentences_);
  state.set("types", std::move(types));
  return dump_json(state);
}

void EntityMeter::merge(std::string_view state) {
  const Json other = parse_state(state);
  sentences_ += other.at("sentences").as_int();
  for (const Json& row : other.at("types").as_array()) {
    const Json::Array& parts = row.as_array();
    if (parts.size() != 4) wrong_state();
    Counts& counts = types_[parts[0].as_string()];
    counts.both += parts[1].as_int();
    counts.truth += parts[2].as_int();
    counts.predicted += parts[3].as_int();
  }
}

}  // namespace berth::kit

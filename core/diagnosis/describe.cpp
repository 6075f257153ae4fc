// A diagnosis in a few lines, and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/diagnosis/diagnosis.h"

namespace berth::diagnosis {
namespace {

using Json = nlohmann::ordered_json;
using Sets = std::vector<SampleSet>;

const Sample& at(const Sets& sets, const Place& place) { return sets[place.set].samples[place.sample]; }

std::string place_of(const Sample& sample) { return fmt::format("{}:{}", sample.where.file, sample.where.line); }

// A label may be several, one a line.
std::string quoted(const std::string& label) {
  auto text = label;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return "'" + text + "'";
}

void append_repeats(std::vector<std::string>& lines, const Sets& sets, const std::string& text,
                    const std::vector<Duplicate>& found) {
  if (found.empty()) return;
  const auto conflicts =
      std::count_if(found.begin(), found.end(), [](const Duplicate& duplicate) { return duplicate.labels_differ; });
  // A contradiction tells more than a mere repetition.
  const auto first_conflict =
      std::find_if(found.begin(), found.end(), [](const Duplicate& duplicate) { return duplicate.labels_differ; });
  const auto& shown = first_conflict == found.end() ? found.front() : *first_conflict;
  lines.push_back(fmt::format("duplicates: {} {}{}, such as {} = {}", found.size(), text,
                              conflicts > 0 ? fmt::format(" ({} with another label)", conflicts) : "",
                              place_of(at(sets, shown.second)), place_of(at(sets, shown.first))));
}

void append_duplicates(std::vector<std::string>& lines, const Diagnosis& diagnosis, const Sets& sets) {
  for (std::size_t s = 0; s < sets.size(); ++s) {
    std::vector<Duplicate> within;
    std::vector<Duplicate> across;
    for (const auto& one : diagnosis.duplicates.within) {
      if (one.second.set == s) within.push_back(one);
    }
    for (const auto& one : diagnosis.duplicates.across) {
      if (one.second.set == s) across.push_back(one);
    }
    const auto size = sets[s].samples.size();
    append_repeats(lines, sets, fmt::format("of {} in {} repeat an earlier one there", size, sets[s].name), within);
    append_repeats(lines, sets, fmt::format("of {} in {} stand in an earlier set", size, sets[s].name), across);
  }
  if (lines.empty()) lines.push_back("duplicates: none");
}

void append_shift(std::vector<std::string>& lines, const SetShift& shift, const std::string& set) {
  auto line = fmt::format("train and {}: lengths KS {:.3f} (p {:.2g})", set, shift.lengths.statistic, shift.lengths.p);
  if (shift.labels) {
    const auto& widest = shift.labels->shares.front();
    line += fmt::format("; labels {:.1f}% apart (p {:.2g}), most {}: {:.1f}% and {:.1f}%",
                        100 * shift.labels->total_variation, shift.labels->p, quoted(widest.label), 100 * widest.first,
                        100 * widest.second);
  }
  lines.push_back(line);
}

std::string score_text(const FloorScore& score, const std::string& name) {
  return fmt::format("{} accuracy {:.3f}, f1_macro {:.3f} (most frequent label: {:.3f})", name, score.accuracy,
                     score.f1_macro, score.majority);
}

void append_floor(std::vector<std::string>& lines, const Floor& floor, const Sets& sets) {
  for (const auto& score : floor.scores) lines.push_back("bag of words: " + score_text(score, score.set));
  if (floor.scores.empty()) {
    lines.push_back("bag of words: " + score_text(floor.cross_fitted, fmt::format("train, {}-fold,", kFolds)));
  }
  if (!floor.issues) {
    lines.push_back(
        fmt::format("labels that look wrong: not looked for; the bag of words, right in {:.1f}% of train, "
                    "is no judge of them",
                    100 * floor.cross_fitted.accuracy));
    return;
  }
  if (floor.issues->empty()) {
    lines.push_back("labels that look wrong: none");
    return;
  }
  const auto& worst = floor.issues->front();
  lines.push_back(fmt::format("labels that look wrong: {} of {} in train, most of all {}: {}, rather {}",
                              floor.issues->size(), sets.front().samples.size(),
                              place_of(sets.front().samples[worst.sample]), quoted(floor.labels[worst.given]),
                              quoted(floor.labels[worst.suggested])));
}

Json place_json(const Sets& sets, const Place& place) {
  const auto& sample = at(sets, place);
  return {
      {"set", sets[place.set].name}, {"file", sample.where.file}, {"line", sample.where.line}, {"label", sample.label}};
}

Json duplicates_json(const std::vector<Duplicate>& found, const Sets& sets) {
  Json rows = Json::array();
  for (const auto& one : found) {
    rows.push_back({{"example", place_json(sets, one.second)},
                    {"equals", place_json(sets, one.first)},
                    {"labels_differ", one.labels_differ}});
  }
  return rows;
}

Json shift_json(const SetShift& shift) {
  Json json = {{"lengths", {{"ks", shift.lengths.statistic}, {"p", shift.lengths.p}}}};
  if (!shift.labels) return json;
  Json shares = Json::array();
  for (const auto& share : shift.labels->shares) {
    shares.push_back({{"label", share.label}, {"train", share.first}, {"set", share.second}});
  }
  json["labels"] = {{"total_variation", shift.labels->total_variation},
                    {"chi_square", shift.labels->chi_square},
                    {"p", shift.labels->p},
                    {"shares", shares}};
  return json;
}

Json score_json(const FloorScore& score) {
  return {{"accuracy", score.accuracy}, {"f1_macro", score.f1_macro}, {"majority", score.majority}};
}

void append_floor_json(Json& json, const Floor& floor, const Sets& sets) {
  json["floor"] = {{"cross_fitted", score_json(floor.cross_fitted)}};
  for (const auto& score : floor.scores) json["floor"]["sets"][score.set] = score_json(score);
  json["label_issues"] = nullptr;
  if (!floor.issues) return;
  json["label_issues"] = Json::array();
  for (const auto& issue : *floor.issues) {
    const auto& where = sets.front().samples[issue.sample].where;
    json["label_issues"].push_back({{"file", where.file},
                                    {"line", where.line},
                                    {"given", floor.labels[issue.given]},
                                    {"suggested", floor.labels[issue.suggested]},
                                    {"margin", issue.margin}});
  }
}

}  // namespace

std::vector<std::string> describe(const Diagnosis& diagnosis, const Sets& sets) {
  std::vector<std::string> lines;
  append_duplicates(lines, diagnosis, sets);
  for (std::size_t s = 1; s < sets.size(); ++s) append_shift(lines, diagnosis.shifts[s - 1], sets[s].name);
  if (const auto* floor = std::get_if<Floor>(&diagnosis.floor)) {
    append_floor(lines, *floor, sets);
  } else {
    lines.push_back("bag of words: left out; " + std::get<std::string>(diagnosis.floor));
  }
  return lines;
}

Json to_json(const Diagnosis& diagnosis, const Sets& sets) {
  Json json;
  json["duplicates"] = {{"within", duplicates_json(diagnosis.duplicates.within, sets)},
                        {"across", duplicates_json(diagnosis.duplicates.across, sets)}};
  json["shift"] = Json::object();
  for (std::size_t s = 1; s < sets.size(); ++s) json["shift"][sets[s].name] = shift_json(diagnosis.shifts[s - 1]);
  if (const auto* floor = std::get_if<Floor>(&diagnosis.floor)) {
    append_floor_json(json, *floor, sets);
  } else {
    json["floor"] = {{"left_out", std::get<std::string>(diagnosis.floor)}};
  }
  return json;
}

}  // namespace berth::diagnosis

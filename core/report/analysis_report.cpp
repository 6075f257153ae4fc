#include "core/report/analysis_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace berth::report {
namespace {

using Json = nlohmann::ordered_json;
using analysis::Analysis;
using analysis::TaskAnalysis;
using analysis::WeightChange;
using Row = std::vector<std::string>;

Json numbers(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(value);
  return json;
}

Json json_of(const WeightChange& change) {
  Json json = {{"group", change.group},
               {"kind", change.kind},
               {"distance", change.distance},
               {"relative_distance", change.relative},
               {"angle_degrees", change.angle}};
  if (change.rank) {
    json["update_rank"] = {
        {"stable", change.rank->stable}, {"effective", change.rank->effective}, {"full", change.rank->full}};
  }
  return json;
}

Json json_of(const analysis::AttentionStatistics& attention) {
  Json json;
  for (const auto& layer : attention.entropy) json["entropy"].push_back(numbers(layer));
  for (const auto& layer : attention.distance) json["distance"].push_back(numbers(layer));
  return json;
}

Json json_of(const TaskAnalysis& task) {
  Json json = {{"checkpoint_step", task.step}};
  for (const auto& set : task.sets) {
    const auto& states = set.states;
    json["sets"][set.set] = {{"examples", set.examples},
                             {"tokens", states.tokens},
                             {"cka", numbers(states.cka)},
                             {"rsa", numbers(states.rsa)},
                             {"attention_before", json_of(states.before)},
                             {"attention_after", json_of(states.after)}};
  }
  if (task.score.empty()) return json;
  json["score"] = task.score;
  json["trained"] = task.whole;
  for (const auto& put_back : task.substitution) json["with_pretrained"][put_back.group] = put_back.score;
  if (!task.probes_after.empty()) {
    json["probes"] = {{"pretrained", numbers(task.probes_before)}, {"trained", numbers(task.probes_after)}};
  }
  return json;
}

// The first column to the left, numbers to the right.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    text += fmt::format("  {:<{}}", row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) text += fmt::format("  {:>{}}", row[i], widths[i]);
    text += '\n';
  }
  return text;
}

std::string cell(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : "-";
}

const WeightChange* find(const std::vector<WeightChange>& changes, const std::string& group, const std::string& kind) {
  const auto is_it = [&](const WeightChange& change) { return change.group == group && change.kind == kind; };
  const auto found = std::find_if(changes.begin(), changes.end(), is_it);
  return found == changes.end() ? nullptr : &*found;
}

// The mean effective rank of a group's updates.
std::string rank_cell(const std::vector<WeightChange>& changes, const std::string& group) {
  double sum = 0;
  int count = 0;
  for (const auto& change : changes) {
    if (change.group != group || !change.rank) continue;
    sum += change.rank->effective;
    ++count;
  }
  return count > 0 ? fmt::format("{:.1f}", sum / count) : "-";
}

std::vector<std::string> groups_of(const std::vector<WeightChange>& changes) {
  std::vector<std::string> groups;
  for (const auto& change : changes) {
    if (change.kind == "all") groups.push_back(change.group);
  }
  return groups;
}

// The kinds that layers have; the embeddings' and the pooler's own matrices stand under "all".
constexpr const char* kColumns[] = {"query",    "key",   "value", "attention_output", "up", "down",
                                    "adapters", "norms", "biases"};

std::vector<std::string> columns_of(const std::vector<WeightChange>& changes) {
  std::vector<std::string> columns;
  for (const std::string column : kColumns) {
    const bool is_there =
        std::any_of(changes.begin(), changes.end(), [&](const WeightChange& c) { return c.kind == column; });
    if (is_there) columns.push_back(column);
  }
  return columns;
}

std::string describe_weights(const analysis::StepChanges& step) {
  std::vector<Row> rows = {{""}};
  const auto columns = columns_of(step.changes);
  for (const auto& column : columns) rows[0].push_back(column == "attention_output" ? "output" : column);
  rows[0].insert(rows[0].end(), {"all", "angle", "rank"});
  for (const auto& group : groups_of(step.changes)) {
    Row row = {group};
    for (const auto& column : columns) {
      const auto* change = find(step.changes, group, column);
      row.push_back(change == nullptr ? "" : cell(100 * change->relative, 2));
    }
    const auto* all = find(step.changes, group, "all");
    row.insert(row.end(), {cell(100 * all->relative, 2), cell(all->angle, 2), rank_cell(step.changes, group)});
    rows.push_back(std::move(row));
  }
  return fmt::format(
             "weights at step {}: distance from before training in % of their length, angle in degrees, mean "
             "effective rank of the updates\n",
             step.step) +
         table(rows);
}

// That of the first task's checkpoint.
const analysis::StepChanges& shown_step(const Analysis& analysis) {
  for (const auto& step : analysis.weights) {
    if (!analysis.tasks.empty() && step.step == analysis.tasks.front().step) return step;
  }
  return analysis.weights.back();
}

// How distance and rank grow, where several checkpoints were kept.
std::string describe_growth(const std::vector<analysis::StepChanges>& steps) {
  if (steps.size() < 2) return "";
  const auto groups = groups_of(steps.front().changes);
  std::vector<Row> rows = {{"step"}};
  rows[0].insert(rows[0].end(), groups.begin(), groups.end());
  for (const auto& step : steps) {
    rows.push_back({fmt::format("{}", step.step)});
    for (const auto& group : groups) {
      const auto distance = cell(100 * find(step.changes, group, "all")->relative, 2);
      rows.back().push_back(fmt::format("{} / {}", distance, rank_cell(step.changes, group)));
    }
  }
  return "over the steps: distance in % / mean effective rank of the updates\n" + table(rows);
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string describe_task(const TaskAnalysis& task, const std::vector<std::string>& groups) {
  if (task.sets.empty() && task.score.empty()) return "";
  const bool has_probes = !task.probes_after.empty();
  std::vector<Row> rows = {{""}};
  for (const auto& set : task.sets) {
    rows[0].insert(rows[0].end(), {set.set + ": CKA", "RSA", "entropy", "distance"});
  }
  if (!task.substitution.empty()) rows[0].push_back("put back");
  if (has_probes) rows[0].insert(rows[0].end(), {"probe before", "after"});
  for (const auto& group : groups) {
    Row row = {group};
    const auto stage = rows.size() - 1;  // embeddings, layers, pooler
    for (const auto& [name, examples, states] : task.sets) {
      const bool has_states = stage < states.cka.size();
      row.push_back(has_states ? cell(states.cka[stage], 3) : "");
      row.push_back(has_states ? cell(states.rsa[stage], 3) : "");
      const bool has_attention = has_states && stage > 0;
      row.push_back(has_attention ? fmt::format("{:.2f}>{:.2f}", mean(states.before.entropy[stage - 1]),
                                                mean(states.after.entropy[stage - 1]))
                                  : "");
      row.push_back(has_attention ? fmt::format("{:.1f}>{:.1f}", mean(states.before.distance[stage - 1]),
                                                mean(states.after.distance[stage - 1]))
                                  : "");
    }
    if (!task.substitution.empty()) {
      const auto is_it = [&group = group](const analysis::Substitution& s) { return s.group == group; };
      const auto found = std::find_if(task.substitution.begin(), task.substitution.end(), is_it);
      row.push_back(found == task.substitution.end() ? "" : fmt::format("{:+.4f}", found->score - task.whole));
    }
    if (has_probes) {
      const bool has_probe = stage < task.probes_after.size();
      row.push_back(has_probe ? cell(task.probes_before[stage], 4) : "");
      row.push_back(has_probe ? cell(task.probes_after[stage], 4) : "");
    }
    rows.push_back(std::move(row));
  }
  std::string what = fmt::format("{} at step {}", task.task, task.step);
  if (!task.sets.empty()) {
    what += fmt::format(
        ": hidden states against before training over {} tokens; attention's entropy and distance, "
        "before > after",
        task.sets.front().states.tokens);
  }
  if (!task.substitution.empty()) {
    what += fmt::format("; {} {:.4f}, and what putting a part back to before training changes", task.score, task.whole);
  }
  if (has_probes) what += "; score of linear probes";
  return what + "\n" + table(rows);
}

}  // namespace

std::string describe(const Analysis& analysis) {
  std::string text;
  std::vector<std::string> groups;
  if (!analysis.weights.empty()) {
    const auto& step = shown_step(analysis);
    text += describe_weights(step) + describe_growth(analysis.weights);
    groups = groups_of(step.changes);
  }
  for (const auto& task : analysis.tasks) text += describe_task(task, groups);
  return text;
}

std::string to_json(const Analysis& analysis) {
  Json json;
  json["weights"] = Json::array();
  for (const auto& step : analysis.weights) {
    Json changes = Json::array();
    for (const auto& change : step.changes) changes.push_back(json_of(change));
    json["weights"].push_back({{"step", step.step}, {"changes", std::move(changes)}});
  }
  json["tasks"] = Json::object();
  for (const auto& task : analysis.tasks) json["tasks"][task.task] = json_of(task);
  return json.dump(2) + "\n";
}

}  // namespace berth::report

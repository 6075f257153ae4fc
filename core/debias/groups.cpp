#include "core/debias/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace berth::debias {
namespace {

// As it is written; nothing where the row lacks the column.
std::optional<std::string> column_of(const std::string& example, const std::string& column) {
  const auto json = nlohmann::json::parse(example, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto found = json.find(column);
  if (found == json.end() || found->is_null()) return std::nullopt;
  return found->is_string() ? found->get<std::string>() : found->dump();
}

}  // namespace

std::vector<std::int64_t> Groups::sizes() const {
  std::vector<std::int64_t> sizes(names.size(), 0);
  for (const auto group : of) ++sizes[static_cast<std::size_t>(group)];
  return sizes;
}

std::string group_of(const plugin::LoadedTask& task, const Example& example) {
  const auto& config = task.config().debias;
  auto label = config.by_label ? task.label(example) : std::string();
  if (config.group.empty()) return label;
  const auto value = column_of(task.json(example), config.group);
  if (!value) return "";
  return label.empty() ? *value : label + ", " + *value;
}

Groups groups_of(const plugin::LoadedTask& task, const data::Examples& examples) {
  const auto& config = task.config().debias;
  std::map<std::string, std::int64_t> places;
  std::vector<std::string> names;
  for (const auto& example : examples) {
    names.push_back(group_of(task, *example));
    places.emplace(names.back(), 0);
    if (!names.back().empty()) continue;
    throw Error(ErrorKind::kContent, example->where,
                config.group.empty()
                    ? fmt::format("{}: the example has no label to group it by; write group = \"COLUMN\" in "
                                  "[tasks.{}.debias]",
                                  task.owner(), task.name())
                    : fmt::format("{}: the row has no '{}', by which tasks.{}.debias.group puts examples into groups; "
                                  "give every row of the training set one",
                                  task.owner(), config.group, task.name()));
  }
  if (places.size() < 2) {
    throw Error(
        ErrorKind::kContent, config.method_where,
        fmt::format("{}: all {} training examples are of the group '{}', but groups are told apart from two on; "
                    "is tasks.{}.debias.group the right column?",
                    task.owner(), examples.size(), names.front(), task.name()));
  }
  Groups groups;
  for (auto& [name, place] : places) {
    place = std::ssize(groups.names);
    groups.names.push_back(name);
  }
  for (const auto& name : names) groups.of.push_back(places.at(name));
  return groups;
}

Groups of_features(Groups groups, std::span<const std::int64_t> first_feature) {
  std::vector<std::int64_t> of;
  for (std::size_t i = 0; i + 1 < first_feature.size(); ++i) {
    of.insert(of.end(), static_cast<std::size_t>(first_feature[i + 1] - first_feature[i]), groups.of[i]);
  }
  groups.of = std::move(of);
  return groups;
}

}  // namespace berth::debias

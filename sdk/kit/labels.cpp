#include "berth/kit/labels.h"

#include <algorithm>
#include <utility>

#include "berth/kit/json.h"
#include "berth/kit/text.h"

namespace berth::kit {

LabelSet LabelSet::listed(std::vector<std::string> names) {
  LabelSet set;
  for (const std::string& name : names) {
    if (name.empty()) throw Error(ErrorKind::kConfig, "`labels` has an empty name; give each label a name");
    if (!set.indices_.emplace(name, set.indices_.size()).second) {
      throw Error(ErrorKind::kConfig, "`labels` has " + quote_for_message(name) + " twice; list each label once");
    }
  }
  set.names_ = std::move(names);
  return set;
}

LabelSet LabelSet::found(const std::set<std::string>& names) {
  std::vector<std::pair<double, std::string>> ordered;
  bool all_numbers = true;
  for (const std::string& name : names) {
    const std::optional<double> number = parse_number(name);
    all_numbers = all_numbers && number.has_value();
    ordered.emplace_back(number.value_or(0), name);
  }
  if (all_numbers) std::sort(ordered.begin(), ordered.end());
  LabelSet set;
  for (auto& [number, name] : ordered) {
    set.indices_.emplace(name, set.indices_.size());
    set.names_.push_back(std::move(name));
  }
  return set;
}

std::optional<std::int64_t> LabelSet::find(std::string_view name) const {
  const auto found = indices_.find(name);
  return found == indices_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t LabelSet::index(std::string_view name, const Where& where) const {
  const auto found = find(name);
  if (found) return *found;
  throw Error(ErrorKind::kContent, where,
              "unknown label " + quote_for_message(name) + suggest_name(name, names_) + "; the task's labels are " +
                  list_names(names_) +
                  ". Correct the row, add the label, or map it with `label_map`. Is it the right column?");
}

std::string LabelSet::to_json() const {
  Json::Array array(names_.begin(), names_.end());
  return dump_json(Json(std::move(array)));
}

LabelSet LabelSet::from_json(std::string_view json) {
  std::vector<std::string> names;
  const Json array = parse_json(json);
  for (const Json& name : array.as_array()) names.push_back(name.as_string());
  return listed(std::move(names));
}

}  // namespace berth::kit

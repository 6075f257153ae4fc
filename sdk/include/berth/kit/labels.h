// The labels of a task: names and their indices.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "berth/error.h"

namespace berth::kit {

class LabelSet {
 public:
  LabelSet() = default;

  // In the order given. Throws Error kConfig for an empty name or one given twice.
  static LabelSet listed(std::vector<std::string> names);
  // As found in training data: in the order of their numbers where all are numbers, else in the order of their bytes.
  static LabelSet found(const std::set<std::string>& names);

  std::int64_t size() const { return static_cast<std::int64_t>(names_.size()); }
  bool empty() const { return names_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  const std::string& name(std::int64_t index) const { return names_.at(static_cast<std::size_t>(index)); }

  std::optional<std::int64_t> find(std::string_view name) const;
  // Throws Error kContent with the nearest name where the label is not known.
  std::int64_t index(std::string_view name, const Where& where) const;

  // A JSON array of the names. from_json throws Error kContent for anything else.
  std::string to_json() const;
  static LabelSet from_json(std::string_view json);

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::int64_t, std::less<>> indices_;
};

}  // namespace berth::kit

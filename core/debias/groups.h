// Groups of a task's examples: equal text in a column of the data (`group`), split by label where the suite says so.
// Group DRO and balanced sampling go by them, and evaluation reports each one's scores.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/data/task_data.h"
#include "core/plugin/loaded_task.h"

namespace berth::debias {

struct Groups {
  std::vector<std::string> names;  // sorted
  std::vector<std::int64_t> of;    // of each example or feature: its place in `names`

  std::vector<std::int64_t> sizes() const;
};

// "entailment, high": the label's name (Task::label) and what the column says, of Example::json(). "" where the
// example lacks the column.
std::string group_of(const plugin::LoadedTask& task, const Example& example);

// Throws Error kContent for an example without the column, and where there is one group only.
Groups groups_of(const plugin::LoadedTask& task, const data::Examples& examples);

// From groups of examples to groups of their features. first_feature: as in TaskData.
Groups of_features(Groups groups, std::span<const std::int64_t> first_feature);

}  // namespace berth::debias

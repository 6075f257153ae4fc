// A set of a task by its name, read and made into features as a run of that task has it; the features may be another
// task's of the same plugin, which then is tested on a set that it was not made for. Called by `berth matrix` and
// `berth compare --resamples`.
#pragma once

#include <cstdint>
#include <string>

#include "core/data/task_data.h"

namespace berth::data {

struct NamedSet {
  const suite::TaskConfig& of;  // whose set it is
  std::string name;             // "dev", or one of its [tasks.NAME.sets]
  std::uint64_t seed;           // the run's, by which a dev set was split off
};

// A file of the task's, by the set's name. Throws Error kConfig for a name that the task lacks.
const suite::DataSetConfig& find_set(const suite::TaskConfig& task, const std::string& name);

// Throws what find_set() and make_task_data() throw.
TaskData read_named_set(const plugin::LoadedTask& task, const NamedSet& set, const FeatureOptions& options);

// The part of the examples that a run of the task trains on, as fit() wants it: empty where all of them are.
std::vector<bool> split_off(const plugin::LoadedTask& task, std::uint64_t seed);

}  // namespace berth::data

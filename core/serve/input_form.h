// Which fields a row of a task must have, for GET /v1/tasks and the page of `berth serve`. No task says so outright:
// its reader is asked with rows made up of the names that its options give to columns, until it takes one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/plugin/loaded_task.h"

namespace berth::serve {

struct InputForm {
  std::vector<std::string> fields;  // texts that a row needs; empty where that could not be found out
  nlohmann::ordered_json example;   // an object with them; "" where no value is known
};

// reader: of the task. row: an answered row of the task's sets, for its names and values; may be empty ({}).
InputForm input_form(const plugin::LoadedTask& task, DatasetReader& reader, const nlohmann::ordered_json& row);

}  // namespace berth::serve

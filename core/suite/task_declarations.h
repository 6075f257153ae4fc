// The keys of `[tasks]`: each task's own, its sets and its `debias`. Called by declarations.cpp.
#pragma once

#include <string_view>
#include <vector>

#include "core/suite/section.h"
#include "core/suite/suite.h"

namespace berth::suite {

// What a task or a set may be called: A-Z, a-z, 0-9, '_' and '-', 100 of them at most.
bool is_name(std::string_view name);

// Binds them to `tasks`, for reading, writing and the schema.
void declare_tasks(Section& top, std::vector<TaskConfig>& tasks);

}  // namespace berth::suite

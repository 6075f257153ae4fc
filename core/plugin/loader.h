// Loads a plugin's library and makes its task. From here on the plugin's code runs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "berth/task.h"

namespace berth::plugin {

struct LoadResult {
  std::unique_ptr<Task> task;
  std::vector<std::string> restored;  // what the plugin changed in the process, and what was put back
};

// Loads the library at `file` (absolute), once in a process: it stays mapped until the process ends, because objects,
// exceptions and autograd nodes of the plugin may outlive everything else. Throws Error kPlugin that begins with
// `owner`: the loader's own message, a missing entry function, no task with the plugin's reason.
LoadResult load_task(const std::filesystem::path& file, const std::string& owner);

}  // namespace berth::plugin

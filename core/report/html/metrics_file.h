// Reads metrics.jsonl into RunData. Called by run_data.cpp.
#pragma once

#include <filesystem>

#include "core/report/html/run_data.h"

namespace berth::report::html {

// Adds the lines to the tasks of `run`, which it has already. A line that is none of ours is counted and told; the last
// one may be in the middle of being written.
void read_metrics(const std::filesystem::path& file, RunData& run);

// The numbers of an object, in its order; null is NaN.
Scores scores_of(const Json& object);

}  // namespace berth::report::html

// What an analysis found, as tables for the console and as analysis.json.
#pragma once

#include <string>

#include "core/analysis/analysis.h"

namespace berth::report {

// Tables: the weights at the first task's checkpoint, then each task. An empty analysis gives "".
std::string describe(const analysis::Analysis& analysis);

// One object; numbers that aren't defined are null.
std::string to_json(const analysis::Analysis& analysis);

}  // namespace berth::report

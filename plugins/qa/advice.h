// Whether a file is meant for this task, and which of its fields are what: for `berth init`.
#pragma once

#include <vector>

#include "berth/advisor.h"

namespace berth::qa {

std::vector<Suggestion> suggest_data(const DataSample& sample);

}  // namespace berth::qa

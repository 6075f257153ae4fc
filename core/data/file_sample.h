// The beginning of a data file that nobody has described, for the tasks' advice. Called by `berth init`.
#pragma once

#include <filesystem>

#include "berth/advisor.h"

namespace berth::data {

// The first 4 MiB, cut at the end of a line where there is one; of a compressed file, what is inside; of several files
// (a pattern), the first. `chosen` is left empty. file: as the user wrote it, which is also the sample's path. Throws
// Error kIo where it can't be read, kContent where it is empty or not text in UTF-8, with what to do.
DataSample read_sample(const std::filesystem::path& file);

}  // namespace berth::data

// What `berth run` at its end and `berth analyze` have in common.
#pragma once

#include "core/analysis/analysis.h"
#include "core/report/console.h"
#include "core/report/run_folder.h"

namespace berth::app {

// A checkpoint's encoder against the one that training started from.
analysis::StepChanges changes_at(const std::filesystem::path& checkpoint, const model::Encoder& before,
                                 const model::Encoder& after);

// Writes analysis.json and prints the tables.
void tell_analysis(const analysis::Analysis& analysis, const report::RunFolder& folder, report::Console& console);

}  // namespace berth::app

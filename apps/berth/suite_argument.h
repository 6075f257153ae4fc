// The suite as commands take it: SUITE.toml with --set KEY=VALUE, or that of a run.
#pragma once

#include "apps/berth/command_line.h"
#include "core/report/run_folder.h"
#include "core/suite/suite.h"

namespace berth::app {

// Adds the argument "suite" and "--set".
void add_suite_argument(Usage& usage);

// What --set says.
Arguments sets_of(const boost::program_options::variables_map& values);

// Reads the suite and sets LibTorch's threads from it. Throws Error kConfig where it is missing, and what read_suite()
// throws.
suite::Suite read_suite_argument(const boost::program_options::variables_map& values, const Usage& usage);

// Likewise, the suite of a run. sets: keys to change, as in --set.
suite::Suite read_suite_of(const report::RunFolder& run, const Arguments& sets = {});

}  // namespace berth::app

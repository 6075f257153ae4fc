// berth compare --resamples: whether two runs differ by more than chance, example by example.
#pragma once

#include "apps/berth/command_line.h"

namespace berth::app {

// "--resamples" and what goes with it.
void add_compare_options(boost::program_options::options_description& options);

// Predicts a set with both runs' best checkpoints and prints the difference of their scores with its interval and p.
// Throws Error kConfig where there are not two runs of one task on the same examples.
void compare_examples(const boost::program_options::variables_map& values, const Arguments& runs);

}  // namespace berth::app

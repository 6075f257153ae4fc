// What `sweep` and `matrix` share: both train by running this program again, several at once.
#pragma once

#include "apps/berth/command_line.h"
#include "core/suite/suite.h"
#include "core/sweep/runner.h"

namespace berth::app {

// "--jobs", and "--plugin-path", which the runs get, too.
void add_child_options(boost::program_options::options_description& options);

// suite: whose threads are shared out. Throws Error kConfig for --jobs below 1.
sweep::RunnerOptions runner_options(const boost::program_options::variables_map& values, const suite::Suite& suite,
                                    const std::filesystem::path& folder);

// Everything of a suite that shows without reading its data through: the model's folder, the plugins, their options,
// and that the files are there. Throws what these throw.
void check_before_running(const suite::Suite& suite, const plugin::Registry& registry);

}  // namespace berth::app

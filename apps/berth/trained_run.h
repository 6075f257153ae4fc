// A finished run for the commands that use its model: `--checkpoint`, `--task`, the suite and the session.
#pragma once

#include "apps/berth/command_line.h"
#include "core/report/run_folder.h"
#include "core/training/session.h"

namespace berth::app {

// "--checkpoint" and "--plugin-path".
void add_run_options(boost::program_options::options_description& options);

struct TrainedRun {
  report::RunFolder folder;
  suite::Suite suite;
  plugin::Registry registry;
  std::filesystem::path checkpoint;

  // task: the one to load; all where empty. Throws Error kConfig for a task that the run lacks.
  training::Session open(const std::string& task) const;
};

TrainedRun open_run(const boost::program_options::variables_map& values, const std::string& folder);

}  // namespace berth::app

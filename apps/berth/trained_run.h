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
  std::string which;  // --checkpoint

  // Of the task, where it has one of its own. Throws as RunFolder::checkpoint() does.
  std::filesystem::path checkpoint(const std::string& task) const { return folder.checkpoint(which, task); }
  // Throws Error kConfig for a task that the run lacks, with the nearest one.
  void check_task(const std::string& task) const;

  // With one task. Throws as check_task() does.
  training::Session open(const std::string& task) const;
};

TrainedRun open_run(const boost::program_options::variables_map& values, const std::string& folder);

}  // namespace berth::app

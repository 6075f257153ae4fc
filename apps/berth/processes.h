// A run of several processes, as `berth run` sees it: process 0 writes the run's folder and talks, the others follow.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "core/distributed/group.h"
#include "core/report/run_folder.h"
#include "core/training/session.h"

namespace berth::app {

// Where the command ends without a word, since process 0 has told what is wrong.
struct ToldElsewhere {
  int code;
};

// Does something that each process may fail at, and goes on only where none did. Process 0 throws its own error, or
// another's with that one's number; the others throw ToldElsewhere.
void together(distributed::Group& group, const std::function<void()>& what);

// Throws Error kConfig for what several processes can't do.
void check_suite(int processes, const suite::Suite& suite);

distributed::GroupOptions group_options(const suite::DistributedConfig& config);

// The threads of this process, where the suite leaves them to berth and others share the machine.
void share_threads(const distributed::Place& place, const suite::Suite& suite);

// The run folder that process 0 has made. Throws Error kIo where this process can't see it.
report::RunFolder shared_folder(const std::filesystem::path& path);

// Trains and evaluates along with process 0. from: as in Trainer::train(). Returns the exit code.
int follow(training::Session& session, distributed::Group& group, const report::RunFolder& folder,
           const std::optional<std::filesystem::path>& from);

// The exit code of what all do to the end. A launcher may end those that are left as soon as one is gone: so they wait
// for process 0, which has the most to do. Of an error that all have, it alone tells: the others throw ToldElsewhere.
int end_together(distributed::Group& group, const std::function<int()>& what);

}  // namespace berth::app

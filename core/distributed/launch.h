// Starts a run's processes on this machine: what `berth run --processes N` does. Across machines torchrun, mpirun or
// srun do.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace berth::distributed {

struct Launch {
  int processes = 2;
  std::vector<std::string> arguments;   // of this program, for each of them
  std::function<int()> interrupted_by;  // a signal that all are to get, or 0; asked again and again
};

// Runs them to their end. Each finds its place in its environment, as torchrun would say it; all of them end with this
// process. Returns 0, or the exit code of the first that failed by itself; a process that a signal ended is told on
// standard error and counts as ErrorKind::kIo. Those that are left then end by themselves, or are ended: at once where
// they still wait for the others to start, else after a minute.
int launch(const Launch& launch);

}  // namespace berth::distributed

// Which of a run's processes this one is, as whoever started it says: `berth run --processes`, torchrun, mpirun (Open
// MPI, MPICH) or srun. Asked for once, by `berth run`.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace berth::distributed {

struct Place {
  int rank = 0;                       // of this process, 0 to size - 1; 0 writes the run's folder
  int size = 1;                       // processes of the run
  int local_rank = 0;                 // of this process among those on its machine
  int local_size = 1;                 // processes on this machine
  std::string address = "127.0.0.1";  // where process 0 can be reached
  std::uint16_t port = 29500;
  // The launcher keeps the processes' meeting place itself, at address and port; else process 0 does.
  bool is_served = false;
  std::string meeting = "berth";  // what tells this start from an earlier one at the same meeting place

  bool is_first() const { return rank == 0; }
};

// The value of an environment variable, or null.
using Environment = std::function<const char*(const char* name)>;

// A place of its own where no launcher is at work. Throws Error kConfig where the variables contradict each other, are
// no numbers, or say nothing of where process 0 is.
Place place_from(const Environment& environment);

}  // namespace berth::distributed

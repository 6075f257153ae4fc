#include "core/distributed/place.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "berth/error.h"

namespace berth::distributed {
namespace {

struct Launcher {
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
  const char* mark;  // is set where the others are its own; null: `rank` says it
};

// A batch script of Slurm has a rank and a number of tasks, too, but is one process: only srun's have a step.
constexpr Launcher kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", nullptr},  // torchrun, and berth itself
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
     nullptr},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", nullptr},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE", "SLURM_STEP_ID"},
};

std::optional<int> number(const Environment& environment, const char* name, int low, int high) {
  const char* text = environment(name);
  if (text == nullptr) return std::nullopt;
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto read = std::from_chars(text, end, value);
  if (read.ec == std::errc() && read.ptr == end && value >= low && value <= high) return value;
  throw Error(ErrorKind::kConfig, fmt::format("the environment's {} is '{}'; expected a whole number from {} to {}",
                                              name, text, low, high));
}

const Launcher* launcher_of(const Environment& environment) {
  for (const auto& launcher : kLaunchers) {
    const bool is_marked = launcher.mark == nullptr || environment(launcher.mark) != nullptr;
    if (is_marked && environment(launcher.rank) != nullptr) return &launcher;
  }
  return nullptr;
}

}  // namespace

Place place_from(const Environment& environment) {
  constexpr int kMostProcesses = 1 << 16;
  Place place;
  const auto* launcher = launcher_of(environment);
  if (launcher == nullptr) return place;
  const auto size = number(environment, launcher->size, 1, kMostProcesses);
  if (!size) {
    throw Error(ErrorKind::kConfig, fmt::format("the environment has {} but no {}, the number of processes; start all "
                                                "of them with one launcher, or take {} away",
                                                launcher->rank, launcher->size, launcher->rank));
  }
  place.size = *size;
  place.rank = *number(environment, launcher->rank, 0, place.size - 1);
  place.local_rank = number(environment, launcher->local_rank, 0, kMostProcesses).value_or(0);
  // Unknown: without an address, the machine has them all; else one.
  const char* address = environment("MASTER_ADDR");
  place.local_size =
      number(environment, launcher->local_size, 1, kMostProcesses).value_or(address == nullptr ? place.size : 1);
  place.port = static_cast<std::uint16_t>(number(environment, "MASTER_PORT", 1, 65535).value_or(place.port));
  if (address != nullptr) {
    place.address = address;
  } else if (place.local_size < place.size) {
    throw Error(
        ErrorKind::kConfig,
        fmt::format("{} processes on several machines, but the environment's MASTER_ADDR, where process 0 can be "
                    "reached, is not set; give it, and MASTER_PORT, to all of them",
                    place.size));
  }
  const char* served = environment("TORCHELASTIC_USE_AGENT_STORE");
  place.is_served = served != nullptr && std::string_view(served) == "True";
  if (const char* restart = environment("TORCHELASTIC_RESTART_COUNT"); restart != nullptr) {
    place.meeting += fmt::format("/{}", restart);
  }
  return place;
}

}  // namespace berth::distributed

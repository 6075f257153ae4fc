#include "core/distributed/launch.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "berth/error.h"
#include "core/distributed/group.h"
#include "core/platform/child_process.h"

namespace berth::distributed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kTimeToEnd = std::chrono::seconds(60);
constexpr auto kBetweenLooks = std::chrono::milliseconds(20);

// Where the processes meet: here, so that the port is one that is free.
class MeetingPlace {
 public:
  MeetingPlace() {
    c10d::TCPStoreOptions options;
    options.port = 0;
    options.isServer = true;
    options.waitWorkers = false;
    store_ = c10::make_intrusive<c10d::TCPStore>("127.0.0.1", options);
  }

  std::uint16_t port() const { return store_->getPort(); }
  bool has_met(int rank) { return store_->check({met_key(Place().meeting, rank)}); }

 private:
  c10::intrusive_ptr<c10d::TCPStore> store_;
};

// Its place is as torchrun would say it.
platform::ChildOptions options_of(const Launch& launch, int rank, std::uint16_t port) {
  const auto size = std::to_string(launch.processes);
  return {launch.arguments,
          {},
          {{"RANK", std::to_string(rank)},
           {"WORLD_SIZE", size},
           {"LOCAL_RANK", std::to_string(rank)},
           {"LOCAL_WORLD_SIZE", size},
           {"MASTER_ADDR", "127.0.0.1"},
           {"MASTER_PORT", std::to_string(port)},
           {"TORCHELASTIC_USE_AGENT_STORE", "True"}}};
}

// The processes that still run, by rank.
using Running = std::map<int, std::unique_ptr<platform::ChildProcess>>;

void send(const Running& running, int signal) {
  for (const auto& [rank, process] : running) process->send(signal);
}

int code_of(int rank, const platform::ChildProcess& ended, int code) {
  const int signal = ended.ending_signal();
  if (signal == 0) return code;
  std::fputs(
      fmt::format("berth: process {} was ended by signal {} ({}); the others end, too. What the run saved last is "
                  "whole, and `berth run --resume` goes on from there\n",
                  rank, signal, strsignal(signal))
          .c_str(),
      stderr);
  return static_cast<int>(ErrorKind::kIo);
}

}  // namespace

int launch(const Launch& launch) {
  MeetingPlace meeting;
  Running running;
  for (int rank = 0; rank < launch.processes; ++rank) {
    running[rank] = std::make_unique<platform::ChildProcess>(options_of(launch, rank, meeting.port()));
  }
  int first_failure = 0;
  bool was_handed_on = false;
  std::optional<Clock::time_point> end;
  while (!running.empty()) {
    if (const int signal = launch.interrupted_by(); signal != 0 && !was_handed_on) {
      send(running, signal);
      was_handed_on = true;
    }
    if (end && Clock::now() > *end) send(running, SIGKILL);
    for (auto one = running.begin(); one != running.end();) {
      const auto ended = one->second->poll();
      const int code = ended ? code_of(one->first, *one->second, *ended) : 0;
      one = ended ? running.erase(one) : std::next(one);
      if (code == 0 || first_failure != 0) continue;
      first_failure = code;
      end = Clock::now() + kTimeToEnd;
      // Those would wait for it, and have nothing to lose yet.
      for (const auto& [rank, process] : running) {
        if (!meeting.has_met(rank)) process->send(SIGKILL);
      }
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return first_failure;
}

}  // namespace berth::distributed

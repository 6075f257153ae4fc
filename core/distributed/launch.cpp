#include "core/distributed/launch.h"

#include <ATen/Parallel.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <vector>

#include "berth/error.h"
#include "core/distributed/group.h"
#include "core/distributed/place.h"
#include "core/platform/child_process.h"

namespace berth::distributed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kHere = "127.0.0.1";
constexpr auto kTimeToEnd = std::chrono::seconds(60);
constexpr auto kBetweenLooks = std::chrono::milliseconds(20);

// Where the processes meet: here, so that the port is one that is free; and open to this machine alone.
class MeetingPlace {
 public:
  MeetingPlace() {
    c10d::TCPStoreOptions options;
    options.port = 0;
    options.isServer = true;
    options.waitWorkers = false;
    options.masterListenFd = listen_here(options.port);
    store_ = c10::make_intrusive<c10d::TCPStore>(kHere, options);
  }

  std::uint16_t port() const { return store_->getPort(); }
  bool has_met(const Place& place) { return c10d::PrefixStore(place.meeting, store_).check({met_key(place.rank)}); }

 private:
  // The store closes it. Of itself, it would listen on all interfaces.
  static int listen_here(std::uint16_t& port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || bind(descriptor, plain, length) != 0 || listen(descriptor, SOMAXCONN) != 0 ||
        getsockname(descriptor, plain, &length) != 0) {
      throw Error(ErrorKind::kIo, fmt::format("no port for the processes to meet at: {}", std::strerror(errno)));
    }
    port = ntohs(address.sin_port);
    return descriptor;
  }

  c10::intrusive_ptr<c10d::TCPStore> store_;
};

// As torchrun would say it; see place_from().
using Variables = std::map<std::string, std::string>;
Variables variables_of(int rank, int size, std::uint16_t port) {
  Variables variables = {{"RANK", std::to_string(rank)},
                         {"WORLD_SIZE", std::to_string(size)},
                         {"LOCAL_RANK", std::to_string(rank)},
                         {"LOCAL_WORLD_SIZE", std::to_string(size)},
                         {"MASTER_ADDR", kHere},
                         {"MASTER_PORT", std::to_string(port)},
                         {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                         {"TORCHELASTIC_RESTART_COUNT", "0"}};
  if (std::getenv("OMP_NUM_THREADS") == nullptr) {
    variables["OMP_NUM_THREADS"] = std::to_string(std::max(1, at::get_num_threads() / size));
  }
  return variables;
}

Place place_in(const Variables& variables) {
  return place_from([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

struct Process {
  Place place;
  std::unique_ptr<platform::ChildProcess> child;
};

// What has been told them.
struct Told {
  int signal = 0;        // that this process got, and handed on
  bool is_over = false;  // one has failed, and was spoken of
};

int code_of(const Process& process, int code, const Told& told) {
  const int signal = process.child->ending_signal();
  if (signal == 0 || signal == told.signal) return code;
  if (!told.is_over) {
    std::fputs(fmt::format("berth: process {} was ended by signal {} ({}); the others end, too. What the run saved "
                           "last is whole, and `berth run --resume` goes on from there\n",
                           process.place.rank, signal, strsignal(signal))
                   .c_str(),
               stderr);
  }
  return static_cast<int>(ErrorKind::kIo);
}

}  // namespace

int launch(const Launch& launch) {
  MeetingPlace meeting;
  std::vector<Process> running;
  for (int rank = 0; rank < launch.processes; ++rank) {
    const auto variables = variables_of(rank, launch.processes, meeting.port());
    running.push_back({place_in(variables), std::make_unique<platform::ChildProcess>(
                                                platform::ChildOptions{launch.arguments, {}, variables})});
  }
  const auto send = [&](int signal) {
    for (const auto& process : running) process.child->send(signal);
  };
  int failure = 0;
  Told told;
  std::optional<Clock::time_point> end;
  while (!running.empty()) {
    if (const int signal = launch.interrupted_by(); signal != 0 && told.signal == 0) {
      send(signal);
      told.signal = signal;
    }
    if (end && Clock::now() > *end) send(SIGKILL);
    for (auto one = running.begin(); one != running.end();) {
      const auto ended = one->child->poll();
      const int code = ended ? code_of(*one, *ended, told) : 0;
      one = ended ? running.erase(one) : std::next(one);
      // Who only lost another one is not the one that failed.
      const bool is_cause = failure == 0 || failure == static_cast<int>(ErrorKind::kIo);
      if (code != 0 && is_cause) failure = code;
      if (code == 0 || told.is_over) continue;
      told.is_over = true;
      end = Clock::now() + kTimeToEnd;
      // Those would wait for it, and have nothing to lose yet.
      for (const auto& process : running) {
        if (!meeting.has_met(process.place)) process.child->send(SIGKILL);
      }
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return failure;
}

}  // namespace berth::distributed

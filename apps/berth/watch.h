// `berth run --watch`: the report of a run that goes on, at http://127.0.0.1:PORT, from a thread of its own. It reads
// what the run has written so far, as `berth report` does, so that training need know nothing of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace berth::app {

class Watch {
 public:
  // Serves until it is destroyed. run: the run's folder, there or yet to be made. port: 0 takes any free one. Throws
  // Error kIo where it can't be listened on.
  Watch(const std::filesystem::path& run, std::uint16_t port);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  std::string url() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace berth::app

// A small HTTP/1.1 server on Boost.Beast: one thread of its own does all input and output, and hands each whole request
// to a handler, which answers at once or later. Used by `berth serve` and `berth run --watch`.
//
// Why Beast: it parses what strangers send, with limits, asynchronously, so that a thousand slow clients cost no
// thread; it is header-only and a part of Boost, which berth needs anyway (apps/setup installs libboost-dev), so
// nothing new is to be installed, and Boost keeps it up. What it leaves to its users is here: time limits, a limit of
// connections, an orderly end. No TLS and no authentication: that is a reverse proxy's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "core/serve/http_message.h"

namespace berth::serve {

struct ServerLimits {
  std::uint64_t body_bytes = 1 << 20;        // past it: 413
  std::uint32_t header_bytes = 16 * 1024;    // past it: 431
  std::size_t connections = 512;             // open ones; past it: 503 and close
  std::chrono::milliseconds read{10'000};    // from a request's first byte to its last; past it: 408
  std::chrono::milliseconds idle{60'000};    // between requests of a connection; past it: close
  std::chrono::milliseconds answer{30'000};  // by the handler; past it: 504
  std::chrono::milliseconds write{30'000};   // until the client has taken the reply; past it: close
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address of this machine, or "localhost"
  std::uint16_t port = 0;          // 0: any free one
  ServerLimits limits;
  std::string advice = "--port (0 takes any free one) or --host";  // what to give where this can't be listened on
};

// One reply, for counters.
struct Exchange {
  std::string method;  // "" where no request could be read
  std::string path;
  unsigned status = 0;
  double seconds = 0;  // from the request's first byte until its reply was ready to be sent
};

// Called on the server's thread for each reply. Throws nothing.
using Observe = std::function<void(const Exchange&)>;

struct ServerState;  // core/serve/http_connection.h

class HttpServer {
 public:
  // Listens and serves from here on. Where it listens on a loopback address, requests that name another host are
  // refused with 403, see is_loopback_host(). An exception of the handler is answered with 500 and ends nothing. Throws
  // Error kConfig for a host that is no address, kIo where the address can't be listened on.
  HttpServer(const ServerOptions& options, Handler handler, Observe observe = nullptr);

  // As stop() without grace.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const;  // "http://127.0.0.1:8000"

  // Connections that are open now. From any thread.
  std::size_t connections() const;

  // Takes no more connections, closes those without a request, and returns when every request under way is answered;
  // those that are not by the end of `grace` are cut off. No handler is called after it. May be called again.
  void stop(std::chrono::milliseconds grace);

 private:
  static void accept_next(const std::shared_ptr<ServerState>& state);

  std::shared_ptr<ServerState> state_;
  std::string address_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace berth::serve

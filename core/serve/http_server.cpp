#include "core/serve/http_server.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "berth/error.h"
#include "core/serve/http_connection.h"

namespace berth::serve {

namespace asio = boost::asio;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

namespace {

// How many of those who come when there are too many are told so at a time. More are cut off without a word.
constexpr std::size_t kMostRefused = 64;
constexpr std::chrono::milliseconds kPause{100};

asio::ip::address address_of(const std::string& host) {
  if (host == "localhost") return asio::ip::address_v4::loopback();
  ErrorCode error;
  auto address = asio::ip::make_address(host, error);
  if (!error) return address;
  throw Error(ErrorKind::kConfig,
              fmt::format("host '{}' is no address; expected one of this machine's: 127.0.0.1 (for itself alone), "
                          "0.0.0.0 (for all who reach it), ::1, ...",
                          host));
}

void listen(tcp::acceptor& acceptor, const asio::ip::address& address, const ServerOptions& options) {
  const tcp::endpoint endpoint(address, options.port);
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) return;
  throw Error(ErrorKind::kIo, fmt::format("can't listen on {} port {}: {}; give another {}", address.to_string(),
                                          options.port, error.message(), options.advice));
}

// Nothing that a handler throws may end the server.
void serve(asio::io_context& io) {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception&) {  // of what a connection does nothing gets here; for lack of memory, accepting may
    }
  }
}

}  // namespace

HttpServer::HttpServer(const ServerOptions& options, Handler handler, Observe observe)
    : state_(std::make_shared<ServerState>()) {
  const auto address = address_of(options.host);
  state_->limits = options.limits;
  state_->handler = std::move(handler);
  state_->observe = std::move(observe);
  state_->is_loopback = address.is_loopback();
  listen(state_->acceptor, address, options);
  port_ = state_->acceptor.local_endpoint().port();
  address_ = address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
  accept_next(state_);
  thread_ = std::thread([state = state_] { serve(state->io); });
}

HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

std::string HttpServer::url() const { return fmt::format("http://{}:{}", address_, port_); }

std::size_t HttpServer::connections() const { return state_->count; }

void HttpServer::accept_next(const std::shared_ptr<ServerState>& state) {
  state->acceptor.async_accept([state](ErrorCode error, tcp::socket socket) {
    if (state->is_stopping) return;
    if (error) {  // out of file descriptors, say: others may give some back
      state->pause.expires_after(kPause);
      state->pause.async_wait([state](ErrorCode aborted) {
        if (!aborted && !state->is_stopping) accept_next(state);
      });
      return;
    }
    accept_next(state);
    const bool is_refused = state->open.size() >= state->limits.connections;
    if (is_refused && state->refused >= kMostRefused) return;
    std::make_shared<Connection>(state, std::move(socket), is_refused)->start();
  });
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  if (!thread_.joinable()) return;
  asio::post(state_->io, [state = state_, grace] {
    state->is_stopping = true;
    ErrorCode ignored;
    state->acceptor.close(ignored);
    state->pause.cancel();
    const std::vector<Connection*> open(state->open.begin(), state->open.end());
    for (Connection* connection : open) connection->finish();
    // Runs on when every connection is gone, so it must not outlive them: the last one cancels it.
    state->grace.expires_after(grace);
    state->grace.async_wait([state](ErrorCode aborted) {
      if (aborted) return;
      const std::vector<Connection*> late(state->open.begin(), state->open.end());
      for (Connection* connection : late) connection->close();
    });
    if (state->open.empty()) state->grace.cancel();
  });
  thread_.join();
}

}  // namespace berth::serve

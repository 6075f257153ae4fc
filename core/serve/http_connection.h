// One client of core/serve/http_server, from its first byte to its last: a small machine of phases, each with a time
// limit. Everything here happens on the server's thread. Only http_server.cpp uses it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/serve/http_server.h"

namespace berth::serve {

class Connection;

// Shared with connections, and with replies that come after the server's end.
struct ServerState {
  boost::asio::io_context io{1};
  boost::asio::ip::tcp::acceptor acceptor{io};
  boost::asio::steady_timer pause{io};  // after an accept that failed
  boost::asio::steady_timer grace{io};
  ServerLimits limits;
  Handler handler;
  Observe observe;
  std::set<Connection*> open;         // those that are served
  std::size_t refused = 0;            // those that are told that there are too many
  std::atomic<std::size_t> count{0};  // of `open`, for other threads
  bool is_loopback = false;
  bool is_stopping = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerState> state, boost::asio::ip::tcp::socket socket, bool is_refused);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves requests until either side has enough; one that is refused is told so, and no more.
  void start();

  // Answers what is under way, and closes then.
  void finish();

  void close();

 private:
  enum class Phase : std::uint8_t {
    kIdle,       // waits for the first byte of a request
    kReading,    // of a request
    kAnswering,  // the handler has it
    kWriting,    // the reply
    kLingering,  // nothing more is said; what the client still sends is thrown away, so that it gets to read the reply
  };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Response = boost::beast::http::response<boost::beast::http::string_body>;
  using Serializer = boost::beast::http::response_serializer<boost::beast::http::string_body>;
  using ErrorCode = boost::system::error_code;

  void enter(Phase phase, std::chrono::milliseconds limit);
  void on_timeout();
  void wait_for_request();
  void read_header();
  void on_header(ErrorCode error);
  void read_body();
  void handle();
  void refuse(ErrorCode error);  // a request that could not be read
  void reply(std::uint64_t serial, Reply reply);
  void send(Reply reply);
  void on_sent(ErrorCode error);
  void linger();
  void drain();

  // Wraps a completion handler: keeps the connection alive, and closes it where the handler throws.
  template <typename F>
  auto guarded(F handler);

  std::shared_ptr<ServerState> state_;  // before the socket, which needs its io_context to the end
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  boost::beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Response> response_;
  std::optional<Serializer> serializer_;
  Exchange exchange_;
  std::chrono::steady_clock::time_point began_;
  std::uint64_t serial_ = 0;  // of the present request: a reply to an earlier one is ignored
  Phase phase_ = Phase::kIdle;
  bool is_refused_;
  bool is_head_ = false;
  bool is_last_ = false;       // closes after the present reply
  bool is_timed_out_ = false;  // why the read was cancelled
};

}  // namespace berth::serve

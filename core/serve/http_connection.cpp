#include "core/serve/http_connection.h"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <string_view>
#include <utility>

#include "berth/version.h"

namespace berth::serve {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// "Application/JSON; charset=utf-8" -> "application/json"
std::string media_type(std::string_view field) {
  auto type = field.substr(0, field.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return lower_case(type);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

template <typename F>
auto Connection::guarded(F handler) {
  return [self = shared_from_this(), handler = std::move(handler)](ErrorCode error, auto&&...) {
    try {
      handler(error);
    } catch (const std::exception&) {  // for lack of memory, say; the other connections go on
      self->close();
    }
  };
}

Connection::Connection(std::shared_ptr<ServerState> state, tcp::socket socket, bool is_refused)
    : state_(std::move(state)), socket_(std::move(socket)), timer_(state_->io), is_refused_(is_refused) {
  if (is_refused_) {
    ++state_->refused;
  } else {
    state_->open.insert(this);
    state_->count = state_->open.size();
  }
}

Connection::~Connection() {
  if (is_refused_) {
    --state_->refused;
  } else {
    state_->open.erase(this);
    state_->count = state_->open.size();
    if (state_->is_stopping && state_->open.empty()) state_->grace.cancel();  // the server's end need not wait
  }
}

void Connection::start() {
  ErrorCode ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  if (!is_refused_) {
    wait_for_request();
    return;
  }
  is_last_ = true;
  began_ = std::chrono::steady_clock::now();
  auto refusal =
      error_reply(503, "too_many_connections",
                  fmt::format("{} connections are open already; try again later", state_->limits.connections));
  refusal.headers.emplace_back("Retry-After", "1");
  send(std::move(refusal));
}

void Connection::finish() {
  is_last_ = true;
  if (phase_ == Phase::kIdle) close();
}

void Connection::close() {
  ErrorCode ignored;
  timer_.cancel();
  socket_.close(ignored);
}

void Connection::enter(Phase phase, std::chrono::milliseconds limit) {
  phase_ = phase;
  timer_.expires_after(limit);
  timer_.async_wait(guarded([this](ErrorCode error) {
    // The handler of a timer that was set anew may be under way already.
    if (!error && timer_.expiry() <= std::chrono::steady_clock::now()) on_timeout();
  }));
}

void Connection::on_timeout() {
  if (phase_ == Phase::kReading && !is_timed_out_) {
    is_timed_out_ = true;
    ErrorCode ignored;
    socket_.cancel(ignored);
    // A read that is done already can't be cancelled, and another follows it: then the connection is closed.
    enter(Phase::kReading, kLinger);
  } else if (phase_ == Phase::kAnswering) {
    reply(serial_, error_reply(504, "timeout",
                               fmt::format("no answer within {:g} seconds; send fewer or shorter texts",
                                           static_cast<double>(state_->limits.answer.count()) / 1e3)));
  } else {
    close();
  }
}

void Connection::wait_for_request() {
  exchange_ = {};
  is_head_ = false;
  is_timed_out_ = false;
  parser_.emplace();
  parser_->header_limit(state_->limits.header_bytes);
  parser_->body_limit(state_->limits.body_bytes);
  if (buffer_.size() > 0) {  // the client did not wait for the last reply
    read_header();
    return;
  }
  enter(Phase::kIdle, state_->limits.idle);
  socket_.async_wait(tcp::socket::wait_read, guarded([this](ErrorCode error) {
                       if (!error) read_header();
                     }));
}

void Connection::read_header() {
  began_ = std::chrono::steady_clock::now();
  enter(Phase::kReading, state_->limits.read);
  http::async_read_header(socket_, buffer_, *parser_, guarded([this](ErrorCode error) { on_header(error); }));
}

void Connection::on_header(ErrorCode error) {
  if (error) {
    refuse(error);
    return;
  }
  const auto& request = parser_->get();
  is_head_ = request.method() == http::verb::head;
  exchange_.method = std::string(view(request.method_string()));
  const auto host = view(request[http::field::host]);
  const bool is_target_good = decode_path(view(request.target()), exchange_.path);
  const bool is_host_given = !host.empty() || request.version() < 11;
  // A client of HTTP/1.0 would have to be told that the connection stays open; it is closed.
  is_last_ = is_last_ || !request.keep_alive() || request.version() < 11;
  if (!is_target_good || !is_host_given) {
    is_last_ = true;
    send(error_reply(
        400, "bad_request",
        is_target_good ? "the request has no Host header" : "the request's target is no path that can be read"));
  } else if (state_->is_loopback && !host.empty() && !is_loopback_host(host)) {
    is_last_ = true;
    send(error_reply(403, "foreign_host",
                     "this server is for its own machine: ask it as localhost or 127.0.0.1, or start it with --host"));
  } else if (beast::iequals(request[http::field::expect], "100-continue") && !parser_->is_done()) {
    asio::async_write(socket_, asio::buffer(kContinue), guarded([this](ErrorCode failed) {
                        if (failed) {
                          refuse(failed);
                        } else {
                          read_body();
                        }
                      }));
  } else {
    read_body();
  }
}

void Connection::read_body() {
  http::async_read(socket_, buffer_, *parser_, guarded([this](ErrorCode error) {
                     if (error) {
                       refuse(error);
                     } else {
                       handle();
                     }
                   }));
}

void Connection::handle() {
  auto message = parser_->release();
  Request request;
  request.method = is_head_ ? "GET" : exchange_.method;
  request.path = exchange_.path;
  request.content_type = media_type(view(message[http::field::content_type]));
  request.body = std::move(message.body());
  enter(Phase::kAnswering, state_->limits.answer);
  const Respond respond = [state = state_, weak = weak_from_this(), serial = serial_](Reply answer) {
    asio::post(state->io, [weak, serial, answer = std::move(answer)]() mutable {
      if (const auto self = weak.lock()) self->reply(serial, std::move(answer));
    });
  };
  try {
    state_->handler(request, respond);
  } catch (const std::exception& error) {
    respond(error_reply(500, "internal", fmt::format("unexpected error, please report it: {}", error.what())));
  }
}

void Connection::refuse(ErrorCode error) {
  // What was sent after a request that could not be read is anyone's guess.
  is_last_ = true;
  if (is_timed_out_) {
    send(error_reply(408, "request_timeout",
                     fmt::format("the request did not come within {:g} seconds",
                                 static_cast<double>(state_->limits.read.count()) / 1e3)));
  } else if (error == http::error::body_limit) {
    send(error_reply(
        413, "too_large",
        fmt::format("the request's body has more than {} bytes; send it in parts", state_->limits.body_bytes)));
  } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    send(error_reply(431, "header_too_large",
                     fmt::format("the request's header has more than {} bytes", state_->limits.header_bytes)));
  } else if (error.category() == http::make_error_code(http::error::end_of_stream).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    send(error_reply(400, "bad_request", "this is not HTTP/1.1 as it should be: " + error.message()));
  } else {
    close();  // the client is gone
  }
}

void Connection::reply(std::uint64_t serial, Reply reply) {
  if (serial == serial_ && phase_ == Phase::kAnswering && socket_.is_open()) send(std::move(reply));
}

void Connection::send(Reply reply) {
  ++serial_;
  is_last_ = is_last_ || state_->is_stopping;
  exchange_.status = reply.status;
  exchange_.seconds = seconds_since(began_);
  if (state_->observe) state_->observe(exchange_);

  response_.emplace(static_cast<http::status>(reply.status), 11);
  response_->set(http::field::server, fmt::format("berth/{}.{}.{}", BERTH_SDK_VERSION_MAJOR, BERTH_SDK_VERSION_MINOR,
                                                  BERTH_SDK_VERSION_PATCH));
  if (!reply.body.empty()) response_->set(http::field::content_type, reply.content_type);
  response_->set(http::field::cache_control, "no-store");
  response_->set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) response_->set(name, value);
  response_->body() = std::move(reply.body);
  response_->keep_alive(!is_last_);
  response_->prepare_payload();
  serializer_.emplace(*response_);
  enter(Phase::kWriting, state_->limits.write);
  const auto then = [this](ErrorCode error) { on_sent(error); };
  if (is_head_) {
    http::async_write_header(socket_, *serializer_, guarded(then));
  } else {
    http::async_write(socket_, *serializer_, guarded(then));
  }
}

void Connection::on_sent(ErrorCode error) {
  serializer_.reset();
  response_.reset();
  if (error) {
    close();
  } else if (is_last_ || state_->is_stopping) {
    linger();
  } else {
    wait_for_request();
  }
}

// A socket that is closed with bytes unread resets the connection, and the client may never see the reply.
void Connection::linger() {
  ErrorCode ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  buffer_.clear();
  enter(Phase::kLingering, kLinger);
  drain();
}

void Connection::drain() {
  constexpr std::size_t kChunk = std::size_t{16} << 10;
  socket_.async_read_some(buffer_.prepare(kChunk), guarded([this](ErrorCode error) {
                            if (error) {
                              close();
                            } else {
                              drain();
                            }
                          }));
}

}  // namespace berth::serve

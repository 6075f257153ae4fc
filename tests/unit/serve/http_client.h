// A client that sends whatever bytes a test wants, for the tests of core/serve.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace berth::serve::test {

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(io_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
  }

  // False where the server has closed.
  bool send(std::string_view bytes) {
    boost::system::error_code error;
    boost::asio::write(socket_, boost::asio::buffer(bytes), error);
    return !error;
  }

  // One reply with its body, by its Content-Length; "" where the server closed without one.
  std::string reply() {
    boost::system::error_code error;
    boost::asio::read_until(socket_, boost::asio::dynamic_buffer(buffer_), "\r\n\r\n", error);
    if (error) return "";
    const auto header = buffer_.find("\r\n\r\n") + 4;
    const auto field = buffer_.substr(0, header).find("Content-Length: ");
    const auto body = field == std::string::npos ? 0 : std::strtoul(buffer_.c_str() + field + 16, nullptr, 10);
    if (buffer_.size() < header + body) {
      boost::asio::read(socket_, boost::asio::dynamic_buffer(buffer_),
                        boost::asio::transfer_exactly(header + body - buffer_.size()), error);
    }
    const auto whole = buffer_.substr(0, header + body);
    buffer_.erase(0, whole.size());
    return whole;
  }

  // All that comes until the server closes.
  std::string rest() {
    boost::system::error_code error;
    boost::asio::read(socket_, boost::asio::dynamic_buffer(buffer_), error);
    return std::exchange(buffer_, {});
  }

  std::string ask(std::string_view bytes) { return send(bytes) ? reply() : ""; }

  void close() { socket_.close(); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
  std::string buffer_;
};

inline std::string get(std::string_view path) {
  return std::string("GET ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

inline std::string post(std::string_view path, std::string_view body) {
  return std::string("POST ")
      .append(path)
      .append(" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n\r\n")
      .append(body);
}

}  // namespace berth::serve::test

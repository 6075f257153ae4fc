#include "core/serve/http_message.h"
#include "core/model/json_text.h"

#include <algorithm>
#include <boost/asio/ip/address_v4.hpp>
#include <cctype>

namespace berth::serve {
namespace {

using Json = nlohmann::ordered_json;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

nlohmann::ordered_json error_json(std::string_view code, std::string_view message) {
  return {{"error", {{"code", std::string(code)}, {"message", std::string(message)}}}};
}

Reply error_reply(unsigned status, std::string_view code, std::string_view message) {
  Reply reply = json_reply(error_json(code, message));
  reply.status = status;
  return reply;
}

Reply json_reply(const nlohmann::ordered_json& value) {
  Reply reply;
  reply.body = model::one_line(value) + "\n";
  return reply;
}

bool decode_path(std::string_view target, std::string& path) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto slash = target.find('/');
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find_first_of("?#"));
  path.clear();
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] != '%') {
      path.push_back(target[i]);
      continue;
    }
    const int high = i + 2 < target.size() ? hex_digit(target[i + 1]) : -1;
    const int low = i + 2 < target.size() ? hex_digit(target[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
    path.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return path == "*" || path.starts_with('/');
}

bool is_loopback_host(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  const std::string_view port = has_port ? host.substr(colon + 1) : std::string_view{};
  if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; })) return false;
  const std::string name = lower_case(has_port ? host.substr(0, colon) : host);
  if (name == "localhost" || name == "[::1]") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address_v4(name, error);  // "127.0.0.1.example.org" is none
  return !error && address.is_loopback();
}

}  // namespace berth::serve

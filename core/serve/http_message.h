// What goes in and out of core/serve/http_server: requests and replies without the library's types, so that those who
// answer (core/serve/service, `berth run --watch`) and their tests need no sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::serve {

struct Request {
  std::string method;        // "GET"; never "HEAD", which is asked as "GET", and loses the reply's body
  std::string path;          // percent-decoded: "/v1/tasks/inbox"
  std::string content_type;  // lower case, without parameters: "application/json"; "" where there was none
  std::string body;
};

struct Reply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Sends the reply; from any thread, at once or later. The first call counts. Never throws, but for lack of memory.
using Respond = std::function<void(Reply)>;

// Called on the server's thread, which waits for it: what takes long belongs elsewhere.
using Handler = std::function<void(const Request&, Respond)>;

// Status, code ("not_found") and message as {"error": {"code", "message"}}.
Reply error_reply(unsigned status, std::string_view code, std::string_view message);
nlohmann::ordered_json error_json(std::string_view code, std::string_view message);
Reply json_reply(const nlohmann::ordered_json& value);
std::string lower_case(std::string_view text);  // of ASCII

// The path of a request's target ("/v1/tasks/a%20b?x=1", "http://host/path"), percent-decoded. Nothing where it has
// none or is broken, with a %00 say.
bool decode_path(std::string_view target, std::string& path);

// Whether a Host header names this machine as only its own users can: localhost, 127.x.y.z, [::1], with any port. A
// page from elsewhere whose name was made to lead to 127.0.0.1 (DNS rebinding) comes with its own name.
bool is_loopback_host(std::string_view host);

}  // namespace berth::serve

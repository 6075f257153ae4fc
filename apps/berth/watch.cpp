#include "apps/berth/watch.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "core/report/html/html_report.h"
#include "core/report/html/html_writer.h"
#include "core/report/run_folder.h"
#include "core/serve/http_server.h"

namespace berth::app {
namespace {

using Clock = std::chrono::steady_clock;

// Several windows, and pages that ask often, cost the training one report in that time.
constexpr std::chrono::seconds kFresh{2};

// Where a report can't be made now, it is tried again: a file may be half written.
serve::Reply retry_page(const std::string& why) {
  serve::Reply reply;
  reply.status = 503;
  reply.content_type = "text/html; charset=utf-8";
  reply.body = fmt::format(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>berth</title><p>No report yet, and it is tried "
      "again in a few seconds: {}</p></html>\n",
      report::html::escaped(why));
  reply.headers.emplace_back("Refresh", "3");
  return reply;
}

}  // namespace

class Watch::Server {
 public:
  Server(std::filesystem::path run, std::uint16_t port)
      : run_(std::move(run)),
        http_(server_options(port),
              [this](const serve::Request& request, const serve::Respond& respond) { respond(answer(request)); }) {}

  std::string url() const { return http_.url(); }

 private:
  static serve::ServerOptions server_options(std::uint16_t port) {
    serve::ServerOptions options;
    options.port = port;
    options.advice = "--watch=PORT (0 takes any free one)";
    options.limits.connections = 32;
    options.limits.body_bytes = 1024;
    return options;
  }

  serve::Reply answer(const serve::Request& request) {
    if (request.path != "/") return serve::error_reply(404, "not_found", "the report is at /");
    if (request.method != "GET") {
      auto reply = serve::error_reply(405, "method_not_allowed", "the report is asked with GET");
      reply.headers.emplace_back("Allow", "GET, HEAD");
      return reply;
    }
    if (!tried_ || Clock::now() - *tried_ >= kFresh) {
      try {
        report::ReportOptions options;
        options.refresh = report::html::Refresh::kOften;
        page_ = report::html_report({report::RunFolder::open(run_)}, options);
      } catch (const std::exception& error) {
        why_ = error.what();
      }
      tried_ = Clock::now();  // when it was done: making it takes its time, too
    }
    if (page_.empty()) return retry_page(why_);
    serve::Reply reply;
    reply.content_type = "text/html; charset=utf-8";
    reply.body = page_;
    reply.headers.emplace_back("X-Frame-Options", "DENY");
    return reply;
  }

  std::filesystem::path run_;
  std::string page_;  // the last one that could be made
  std::string why_;   // the last one could not
  std::optional<Clock::time_point> tried_;
  serve::HttpServer http_;  // last: its thread uses all of the above
};

Watch::Watch(const std::filesystem::path& run, std::uint16_t port) : server_(std::make_unique<Server>(run, port)) {}

Watch::~Watch() = default;

std::string Watch::url() const { return server_->url(); }

}  // namespace berth::app

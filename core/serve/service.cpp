#include "core/serve/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <utility>

#include "core/model/json_text.h"
#include "core/report/html/shown_html.h"
#include "core/serve/http_message.h"
#include "core/serve/request_body.h"
#include "core/serve/try_page.h"
#include "core/suite/option_binder.h"

namespace berth::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kName = "NAME";

// What stands in place of NAME, or nothing where the path is another one.
std::optional<std::string> match(std::string_view route, std::string_view path) {
  if (!route.ends_with(kName)) return route == path ? std::optional<std::string>("") : std::nullopt;
  route.remove_suffix(kName.size());
  if (!path.starts_with(route) || path.size() == route.size()) return std::nullopt;
  return std::string(path.substr(route.size()));
}

Json failure_json(const Failure& failure) {
  return error_json(failure.cause == Failure::Cause::kInput ? "bad_input" : "model", failure.message);
}

unsigned status_of(const Failure& failure) { return failure.cause == Failure::Cause::kInput ? 400 : 500; }

Reply reply_of(const Answer& answer) {
  Reply reply;
  if (answer.failure) reply.status = status_of(*answer.failure);
  reply.body = (answer.failure ? model::one_line(failure_json(*answer.failure)) : answer.json) + "\n";
  return reply;
}

// Of a list of rows: what is wrong with one is told in its place.
Reply reply_of(const std::vector<Answer>& answers) {
  Reply reply;
  reply.body = "[";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) reply.body += ",\n ";
    if (!answers[i].failure) {
      reply.body += answers[i].json;
      continue;
    }
    auto error = failure_json(*answers[i].failure);
    error["error"]["where"] = {{"row", i + 1}};
    reply.body += model::one_line(error);
  }
  reply.body += "]\n";
  return reply;
}

Reply text_reply(std::string content_type, std::string text) {
  Reply reply;
  reply.content_type = std::move(content_type);
  reply.body = std::move(text);
  return reply;
}

Reply later(std::string_view code, std::string_view message) {
  Reply reply = error_reply(503, code, message);
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

std::string allowed(std::string_view method) { return method == "GET" ? "GET, HEAD, OPTIONS" : "POST, OPTIONS"; }

// {"answers": {"a": {...}, "b": {"error": ...}}}; text: the value as JSON.
struct NamedAnswer {
  std::string name;
  std::string text;
};

Reply reply_of(const std::vector<NamedAnswer>& answers) {
  Reply reply;
  reply.body = R"({"answers": {)";
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (i > 0) reply.body += ",\n ";
    reply.body.append(model::one_line(answers[i].name)).append(": ").append(answers[i].text);
  }
  reply.body += "}}\n";
  return reply;
}

}  // namespace

Service::Service(ServiceOptions options, Batcher& batcher, Counters& counters)
    : options_(std::move(options)), batcher_(batcher), counters_(counters) {}

const std::vector<Service::Route>& Service::routes() {
  static const std::vector<Route> kRoutes = {
      {"/", "GET", &Service::page},
      {"/page.css", "GET", &Service::style},
      {"/page.js", "GET", &Service::script},
      {"/health", "GET", &Service::health},
      {"/ready", "GET", &Service::ready},
      {"/metrics", "GET", &Service::metrics},
      {"/v1/tasks", "GET", &Service::list_tasks},
      {"/v1/tasks/NAME", "POST", &Service::ask_task},
      {"/v1/show/NAME", "POST", &Service::show},
      {"/v1/predict", "POST", &Service::ask_all},
  };
  return kRoutes;
}

std::string Service::route_of(std::string_view path) {
  for (const auto& route : routes()) {
    if (match(route.path, path)) return std::string(route.path);
  }
  return path.empty() ? "" : "other";
}

void Service::handle(const Request& request, const Respond& respond) {
  for (const auto& route : routes()) {
    const auto name = match(route.path, request.path);
    if (!name) continue;
    if (request.method != route.method) {
      auto reply =
          error_reply(405, "method_not_allowed",
                      fmt::format("{} is asked with {}, not with {}", route.path, route.method, request.method));
      if (request.method == "OPTIONS") reply = Reply{204, "", "", {}};
      reply.headers.emplace_back("Allow", allowed(route.method));
      respond(std::move(reply));
      return;
    }
    if (request.method == "POST" && request.content_type != "application/json") {
      respond(
          error_reply(415, "unsupported_media_type", "expected JSON, with the header Content-Type: application/json"));
      return;
    }
    try {
      (this->*route.answer)(request, *name, respond);
    } catch (const BadRequest& bad) {
      respond(error_reply(400, bad.code(), bad.what()));
    }
    return;
  }
  if (request.path == "*" && request.method == "OPTIONS") {
    respond(Reply{204, "", "", {{"Allow", "GET, HEAD, POST, OPTIONS"}}});
    return;
  }
  respond(error_reply(404, "not_found", "nothing is here; GET /v1/tasks lists the tasks that can be asked"));
}

void Service::page(const Request&, const std::string&, const Respond& respond) {
  auto reply = text_reply("text/html; charset=utf-8", try_page(options_.tasks, options_.checkpoint));
  reply.headers.emplace_back(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  reply.headers.emplace_back("Referrer-Policy", "no-referrer");
  respond(std::move(reply));
}

void Service::style(const Request&, const std::string&, const Respond& respond) {
  respond(text_reply("text/css; charset=utf-8", try_style()));
}

void Service::script(const Request&, const std::string&, const Respond& respond) {
  respond(text_reply("text/javascript; charset=utf-8", try_script()));
}

void Service::health(const Request&, const std::string&, const Respond& respond) {
  respond(json_reply({{"status", "ok"}}));
}

void Service::ready(const Request&, const std::string&, const Respond& respond) {
  respond(batcher_.is_full() ? later("overloaded", "the queue is full") : json_reply({{"status", "ready"}}));
}

void Service::metrics(const Request&, const std::string&, const Respond& respond) {
  respond(text_reply("text/plain; version=0.0.4; charset=utf-8", counters_.text(batcher_.waiting())));
}

void Service::list_tasks(const Request&, const std::string&, const Respond& respond) {
  Json tasks = Json::array();
  for (const auto& task : options_.tasks) {
    tasks.push_back({{"name", task.name}, {"plugin", task.plugin}, {"fields", task.fields}, {"example", task.example}});
  }
  respond(json_reply({{"checkpoint", options_.checkpoint}, {"tasks", std::move(tasks)}}));
}

std::optional<std::size_t> Service::find(const std::string& task) const {
  for (std::size_t i = 0; i < options_.tasks.size(); ++i) {
    if (options_.tasks[i].name == task) return i;
  }
  return std::nullopt;
}

Reply Service::unknown_task(const std::string& task) const {
  std::vector<std::string> known;
  known.reserve(options_.tasks.size());
  for (const auto& one : options_.tasks) known.push_back(one.name);
  const auto nearest = suite::nearest_name(task, known);
  return error_reply(404, "unknown_task",
                     fmt::format("there is no task '{}'{}; GET /v1/tasks lists them", task,
                                 nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
}

void Service::ask_task(const Request& request, const std::string& name, const Respond& respond) {
  const auto task = find(name);
  if (!task) {
    respond(unknown_task(name));
    return;
  }
  auto body = read_rows(request.body);
  if (body.rows.empty()) {
    respond(json_reply(Json::array()));
    return;
  }
  std::vector<Question> questions;
  questions.reserve(body.rows.size());
  for (auto& row : body.rows) {
    const auto number = static_cast<std::int64_t>(questions.size()) + 1;
    questions.push_back({*task, std::move(row), number, Form::kJson});
  }
  ask(std::move(questions), respond, [is_list = body.is_list](const std::vector<Answer>& answers) {
    return is_list ? reply_of(answers) : reply_of(answers.front());
  });
}

void Service::show(const Request& request, const std::string& name, const Respond& respond) {
  const auto task = find(name);
  if (!task) {
    respond(unknown_task(name));
    return;
  }
  auto body = read_rows(request.body);
  if (body.is_list)
    throw BadRequest("bad_request", "the body is a list; one answer is shown at a time: send an object");
  ask({{*task, std::move(body.rows.front()), 1, Form::kShown}}, respond,
      [id = fmt::format("shown-{}", *task)](const std::vector<Answer>& answers) {
        const auto& answer = answers.front();
        if (answer.failure) return reply_of(answer);
        const auto html = report::shown_html(Json::parse(answer.shown), id);
        Reply reply;
        reply.body = fmt::format("{{\"answer\": {},\n \"shown\": {},\n \"html\": {}}}\n", answer.json, answer.shown,
                                 model::one_line(html));
        return reply;
      });
}

void Service::ask_all(const Request& request, const std::string&, const Respond& respond) {
  const auto body = read_predict(request.body);
  const bool are_named = !body.tasks.empty();
  std::vector<std::string> names = body.tasks;
  if (!are_named) {
    for (const auto& task : options_.tasks) names.push_back(task.name);
  }
  std::vector<Question> questions;
  std::vector<NamedAnswer> named;
  named.reserve(names.size());
  for (auto& name : names) {
    const auto task = find(name);
    // Without text: the answer comes from the model.
    named.push_back({name, task ? "" : unknown_task(name).body});
    if (task) questions.push_back({*task, body.input, 1, Form::kJson});
  }
  if (questions.empty()) {
    respond(reply_of(named));
    return;
  }
  ask(std::move(questions), respond, [are_named, named = std::move(named)](const std::vector<Answer>& answers) mutable {
    std::vector<NamedAnswer> result;
    auto next = answers.begin();
    std::string refusals;
    for (auto& one : named) {
      if (one.text.empty()) {
        const auto& answer = *next++;
        one.text = answer.failure ? model::one_line(failure_json(*answer.failure)) : answer.json;
        if (!are_named && answer.failure && answer.failure->cause == Failure::Cause::kInput) {
          refusals.append("\n").append(answer.failure->message);
          continue;  // not a task for this input
        }
      }
      result.push_back(std::move(one));
    }
    if (result.empty()) return error_reply(400, "bad_input", "no task can read the input:" + refusals);
    return reply_of(result);
  });
}

void Service::ask(std::vector<Question> questions, const Respond& respond, Render render) {
  const auto count = questions.size();
  const auto deadline = Batcher::Clock::now() + options_.timeout;
  auto done = [respond, render = std::move(render)](Outcome outcome, const std::vector<Answer>& answers) {
    try {
      if (outcome == Outcome::kTimedOut) {
        respond(error_reply(504, "timeout", "the request waited for too long; try again later"));
      } else if (outcome == Outcome::kStopped) {
        respond(later("stopping", "the server stops"));
      } else {
        respond(render(answers));
      }
    } catch (const std::exception& error) {
      respond(error_reply(500, "internal", fmt::format("unexpected error, please report it: {}", error.what())));
    }
  };
  switch (batcher_.submit(std::move(questions), deadline, std::move(done))) {
    case Admission::kTaken:
      break;
    case Admission::kFull:
      respond(later("overloaded", "too many texts wait to be answered; try again later"));
      break;
    case Admission::kTooMany:
      respond(error_reply(413, "too_large",
                          fmt::format("{} rows are more than the queue holds; send fewer at a time", count)));
      break;
    case Admission::kStopping:
      respond(later("stopping", "the server stops"));
      break;
  }
}

}  // namespace berth::serve

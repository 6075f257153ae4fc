// What `berth serve` answers to which request: the routes of its API (apps/docs/serve.md), between
// core/serve/http_server and core/serve/batcher. Knows neither sockets nor the model.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/serve/batcher.h"
#include "core/serve/counters.h"
#include "core/serve/http_message.h"

namespace berth::serve {

struct ServedTask {
  std::string name;
  std::string plugin;
  std::vector<std::string> fields;  // see InputForm
  nlohmann::ordered_json example;
};

struct ServiceOptions {
  std::vector<ServedTask> tasks;              // in the order of Question::task
  std::string checkpoint;                     // "step-440", to be told
  std::chrono::milliseconds timeout{30'000};  // of a request, from here to its answer
};

class Service {
 public:
  // batcher, counters: outlive this, and every request.
  Service(ServiceOptions options, Batcher& batcher, Counters& counters);

  // As Handler. From one thread.
  void handle(const Request& request, const Respond& respond);

  // The documented path that a request's path belongs to ("/v1/tasks/NAME"); "other" for any that does not exist.
  static std::string route_of(std::string_view path);

 private:
  // name: what stands in place of NAME.
  using Answering = void (Service::*)(const Request& request, const std::string& name, const Respond& respond);
  struct Route {
    std::string_view path;
    std::string_view method;
    Answering answer;
  };
  using Render = std::function<Reply(const std::vector<Answer>&)>;

  static const std::vector<Route>& routes();

  void page(const Request& request, const std::string& name, const Respond& respond);
  void style(const Request& request, const std::string& name, const Respond& respond);
  void script(const Request& request, const std::string& name, const Respond& respond);
  void health(const Request& request, const std::string& name, const Respond& respond);
  void ready(const Request& request, const std::string& name, const Respond& respond);
  void metrics(const Request& request, const std::string& name, const Respond& respond);
  void list_tasks(const Request& request, const std::string& name, const Respond& respond);
  void ask_task(const Request& request, const std::string& name, const Respond& respond);
  void ask_all(const Request& request, const std::string& name, const Respond& respond);
  void show(const Request& request, const std::string& name, const Respond& respond);

  std::optional<std::size_t> find(const std::string& task) const;
  Reply unknown_task(const std::string& task) const;
  void ask(std::vector<Question> questions, const Respond& respond, Render render);

  ServiceOptions options_;
  Batcher& batcher_;
  Counters& counters_;
};

}  // namespace berth::serve

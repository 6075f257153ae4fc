// berth serve: a trained run as an HTTP server, and a page to try it by hand.
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/program_options/value_semantic.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/trained_run.h"
#include "core/serve/batcher.h"
#include "core/serve/counters.h"
#include "core/serve/http_server.h"
#include "core/serve/input_form.h"
#include "core/serve/joint_model.h"
#include "core/serve/service.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostMilliseconds = 3'600'000;
constexpr std::int64_t kMostCount = 1'000'000;

po::typed_value<std::int64_t>* number(std::int64_t otherwise) {
  return po::value<std::int64_t>()->default_value(otherwise)->value_name("N");
}

struct Range {
  std::int64_t low;
  std::int64_t high;
};

// Throws Error kConfig for what is out of range.
std::int64_t in_range(const po::variables_map& values, const char* name, Range range) {
  const auto value = values[name].as<std::int64_t>();
  if (value >= range.low && value <= range.high) return value;
  throw Error(ErrorKind::kConfig, fmt::format("--{} is {}; expected {} to {}", name, value, range.low, range.high));
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

std::chrono::milliseconds timeout_of(const po::variables_map& values) {
  const auto seconds = values["timeout"].as<double>();
  if (seconds >= 0.001 && seconds * 1000 <= kMostMilliseconds) return milliseconds_of(seconds);
  throw Error(ErrorKind::kConfig,
              fmt::format("--timeout is {}; expected 0.001 to {} seconds", seconds, kMostMilliseconds / 1000));
}

serve::ServerOptions server_options(const po::variables_map& values) {
  serve::ServerOptions options;
  options.host = values["host"].as<std::string>();
  options.port = static_cast<std::uint16_t>(in_range(values, "port", {0, std::numeric_limits<std::uint16_t>::max()}));
  options.limits.body_bytes = static_cast<std::uint64_t>(in_range(values, "max-body", {1, std::int64_t{1} << 30}));
  options.limits.connections = static_cast<std::size_t>(in_range(values, "connections", {1, kMostCount}));
  options.limits.answer = timeout_of(values);
  return options;
}

serve::BatcherOptions batcher_options(const po::variables_map& values) {
  serve::BatcherOptions options;
  const auto window = values["window-ms"].as<double>();
  if (!(window >= 0 && window <= 10'000)) {
    throw Error(ErrorKind::kConfig, fmt::format("--window-ms is {}; expected 0 to 10000", window));
  }
  options.window = std::chrono::microseconds(static_cast<std::int64_t>(window * 1000));
  options.batch = static_cast<std::size_t>(in_range(values, "batch", {1, kMostCount}));
  options.queue = static_cast<std::size_t>(in_range(values, "queue", {1, kMostCount}));
  return options;
}

// The first of the run's own answers of a task, to know what its rows look like; {} where there is none.
Json first_answer(const report::RunFolder& folder, const suite::TaskConfig& config) {
  std::vector<std::string> sets = {"dev"};
  for (const auto& set : config.sets) sets.push_back(set.name);
  for (const auto& set : sets) {
    std::ifstream in(folder.predictions_file(config.name, set), std::ios::binary);
    std::string line;
    if (!in || !std::getline(in, line)) continue;
    auto row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (row.is_object()) return row;
  }
  return Json::object();
}

std::vector<serve::ServedTask> describe_tasks(const training::Session& session, const serve::JointModel& model,
                                              const report::RunFolder& folder) {
  std::vector<serve::ServedTask> tasks;
  tasks.reserve(session.tasks.size());
  for (std::size_t i = 0; i < session.tasks.size(); ++i) {
    const auto& task = session.tasks[i].task;
    auto form = serve::input_form(task, model.reader(i), first_answer(folder, task.config()));
    tasks.push_back({task.name(), task.config().plugin, std::move(form.fields), std::move(form.example)});
  }
  return tasks;
}

// The first pass of LibTorch's kernels is slow: not at a client's cost.
void warm_up(serve::JointModel& model, const std::vector<serve::ServedTask>& tasks) {
  std::vector<serve::Question> questions;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks[i].fields.empty()) questions.push_back({i, tasks[i].example.dump(), 1, serve::Form::kJson});
  }
  model.answer(questions);
}

void wait_for_signal() {
  constexpr std::chrono::milliseconds kLook{50};
  while (!wants_stop()) std::this_thread::sleep_for(kLook);
}

}  // namespace

Usage serve_usage() {
  Usage usage;
  usage.line = "berth serve RUN_DIR [options]";
  usage.summary =
      "Answers over HTTP, in JSON, with all tasks of a run: POST /v1/tasks/NAME takes what a line of berth predict "
      "does.\n"
      "Texts of all clients go through the encoder together. At / there is a page to try the model by hand. One\n"
      "checkpoint serves all tasks: the run's own best, also where tasks keep a best one each. Ctrl-C and SIGTERM end\n"
      "it when all requests under way are answered, with exit code 0. More: apps/docs/serve.md.";
  usage.examples =
      "  berth serve runs/quickstart\n"
      "  curl --json '{\"text\": \"Where is my parcel?\"}' http://127.0.0.1:8000/v1/tasks/inbox\n"
      "  berth serve runs/quickstart --port 0 --window-ms 2 --threads 4\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("host", po::value<std::string>()->default_value("127.0.0.1")->value_name("ADDRESS"),
                              "the address to listen on; the default is reached from this machine alone")(
      "port", number(8000), "0 takes any free one")("window-ms",
                                                    po::value<double>()->default_value(5)->value_name("MS"),
                                                    "how long a text waits for others to share its batch")(
      "batch", number(64), "texts that end the wait, and the most of a batch")(
      "queue", number(1024), "texts that may wait; more are refused with 503 at once")(
      "max-body", number(1 << 20), "bytes of a request's body; a larger one is refused with 413")(
      "timeout", po::value<double>()->default_value(30)->value_name("SECONDS"), "for an answer; past it: 504")(
      "connections", number(512), "open at a time; more are refused with 503")(
      "threads", po::value<std::int64_t>()->value_name("N"),
      "of the model (default: as training.threads of the suite)");
  add_run_options(usage.options);
  return usage;
}

int serve(const Arguments& arguments) {
  auto command = serve_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto options = server_options(*values);
  const auto batching = batcher_options(*values);
  const auto run = open_run(*values, required(*values, "run", "usage: " + command.line));
  catch_interrupts();
  if (values->contains("threads")) at::set_num_threads(static_cast<int>(in_range(*values, "threads", {1, 4096})));
  const auto checkpoint = run.folder.checkpoint(run.which);
  auto session = training::open_session(run.suite, run.registry, checkpoint, "");

  serve::JointModel model(session);
  serve::Counters counters;
  serve::ServiceOptions served;
  served.tasks = describe_tasks(session, model, run.folder);
  const auto step = fs::canonical(checkpoint).filename().string();
  served.checkpoint = step;
  served.timeout = options.limits.answer;
  std::vector<std::string> names;
  names.reserve(served.tasks.size());
  for (const auto& task : served.tasks) names.push_back(task.name);

  warm_up(model, served.tasks);
  serve::Batcher batcher(batching, [&](const std::vector<serve::Question>& questions) {
    auto answers = model.answer(questions);
    counters.count(model.statistics());
    return answers;
  });
  serve::Service service(std::move(served), batcher, counters);
  serve::HttpServer server(
      options, [&](const serve::Request& request, const serve::Respond& respond) { service.handle(request, respond); },
      [&](const serve::Exchange& exchange) { counters.count(serve::Service::route_of(exchange.path), exchange); });
  fmt::print("serving {} of {} ({}) on {}\n", fmt::join(names, ", "), run.folder.path().string(), step, server.url());
  std::fflush(stdout);
  wait_for_signal();
  // What is under way has its time limit; what it takes to be sent comes on top.
  server.stop(options.limits.answer + std::chrono::seconds(1));
  return 0;
}

}  // namespace berth::app

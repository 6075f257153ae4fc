// berth validate-plugin: does a plugin keep what the SDK asks of it? Each check that runs the plugin's code is a
// process of its own: this program once more, with --here.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <nlohmann/json.hpp>

#include "apps/berth/apart.h"
#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/threads.h"
#include "core/plugin/manifest_reader.h"
#include "core/suite/option_binder.h"
#include "core/validation/validation.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage validate_plugin_usage() {
  Usage usage;
  usage.line = "berth validate-plugin FILE.so [--suite SUITE.toml] [options]";
  usage.summary =
      "Checks what the SDK asks of a plugin: of its file, of its options and, where a suite gives a model and data, "
      "of\n"
      "its examples, head, predictions and metric. Each check is a process of its own, so a plugin that crashes or\n"
      "hangs fails just that one.";
  usage.examples =
      "  berth validate-plugin build/stance.so\n"
      "  berth validate-plugin build/stance.so --suite suite.toml\n"
      "  berth validate-plugin build/stance.so --suite suite.toml --only gradient --seed 7 --here   # in a debugger\n";
  usage.positional.add("file", 1);
  usage.options.add_options()("suite", po::value<std::string>()->value_name("SUITE.toml"),
                              "a suite with a task of this plugin, for the checks that need a model and data")(
      "task", po::value<std::string>()->default_value("")->value_name("NAME"),
      "which of its tasks; default: the first of this plugin")("only", po::value<std::string>()->value_name("CHECK"),
                                                               "this check alone")(
      "seed", po::value<std::int64_t>()->default_value(1)->value_name("N"), "of all that a check draws")(
      "timeout", po::value<std::int64_t>()->default_value(600)->value_name("SECONDS"), "of a check")(
      "here", "in this process, and not in one of its own");
  add_json(usage.options);
  return usage;
}

namespace {

using validation::Needs;
using Json = nlohmann::ordered_json;

// What a check says, and ends with its code, where the suite can't be used.
constexpr std::string_view kSuiteIsBad = "suite: ";

struct Request {
  validation::Subject subject;
  std::string suite;  // as it was given; "" for none
  std::string task;
  std::int64_t timeout = 600;
  bool as_json = false;
};

Request read_request(const po::variables_map& values, const std::string& line) {
  Request request;
  request.subject.file = fs::absolute(required(values, "file", "usage: " + line)).lexically_normal();
  request.subject.seed = values["seed"].as<std::int64_t>();
  request.task = values["task"].as<std::string>();
  request.timeout = values["timeout"].as<std::int64_t>();
  request.as_json = wants_json(values);
  if (!fs::exists(request.subject.file)) {
    throw Error(ErrorKind::kIo, {request.subject.file.string()}, "is not there; give a plugin's library");
  }
  if (!values.contains("suite")) return request;
  request.suite = values["suite"].as<std::string>();
  auto suite = suite::read_suite(request.suite, {});
  set_threads(suite);
  const auto manifest = plugin::read_manifest(request.subject.file);
  // A file without a manifest fails the first check, which says more.
  if (const auto* read = std::get_if<Manifest>(&manifest)) {
    request.subject.suite = validation::only_task(std::move(suite), read->id, request.task);
  }
  return request;
}

const validation::Check& find_check(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& check : validation::checks()) {
    if (check.name == name) return check;
    known.push_back(check.name);
  }
  const auto nearest = suite::nearest_name(name, known);
  throw Error(ErrorKind::kConfig, fmt::format("--only {}: there is no such check{}", name,
                                              nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
}

struct Outcome {
  bool passed = false;
  std::string text;
};

std::vector<std::string> arguments_of(const Request& request, const validation::Check& check) {
  std::vector<std::string> arguments = {"validate-plugin", request.subject.file.string(),          "--only", check.name,
                                        "--seed",          fmt::format("{}", request.subject.seed)};
  if (!request.suite.empty()) arguments.insert(arguments.end(), {"--suite", request.suite, "--task", request.task});
  return arguments;
}

Outcome run_in_own_process(const Request& request, const validation::Check& check) {
  auto arguments = arguments_of(request, check);
  arguments.emplace_back("--here");
  const auto apart = run_apart(arguments, request.timeout);
  switch (apart.end) {
    case Apart::End::kExit:
      if (apart.passed()) return {true, apart.said.substr(Apart::kPassed.size())};
      if (apart.said.rfind(kSuiteIsBad, 0) == 0) {
        throw Error(static_cast<ErrorKind>(apart.code), apart.said.substr(kSuiteIsBad.size()));
      }
      if (apart.code == 0 || apart.said.empty()) {
        return {false, fmt::format("it ended the process with exit status {}", apart.code)};
      }
      return {false, apart.said};
    case Apart::End::kSignal:
      return {false, fmt::format("it ended the process by {}{}", name_of_signal(apart.code),
                                 apart.said.empty() ? "" : "\n" + apart.said)};
    case Apart::End::kTooLate:
      return {false, fmt::format("it did not end within {} s; give more with --timeout", request.timeout)};
    case Apart::End::kInterrupted:
      break;
  }
  return {false, "interrupted"};
}

Outcome run_file_check(const Request& request, const validation::Check& check) {
  try {
    return {true, check.run(request.subject)};
  } catch (const Error& e) {
    return {false, e.what()};
  }
}

std::string command_to_repeat(const Request& request, const validation::Check& check) {
  std::string text = "berth";
  for (const auto& argument : arguments_of(request, check)) text += " " + shell_word(argument);
  return text;
}

Json to_json(const Request& request, const validation::Check& check, const Outcome& outcome) {
  Json json = {{"check", check.name}, {"passed", outcome.passed}, {"text", outcome.text}};
  if (!outcome.passed) {
    json["expected"] = check.asks;
    json["again"] = command_to_repeat(request, check);
  }
  return json;
}

void print(const Request& request, const validation::Check& check, const Outcome& outcome) {
  fmt::print("{:<6}  {:<9} {}\n", outcome.passed ? "ok" : "FAILED", check.name, outcome.text);
  if (!outcome.passed) {
    fmt::print("{:18}expected: {}\n{:18}again:    {}\n", "", check.asks, "", command_to_repeat(request, check));
  }
  std::fflush(stdout);
}

int validate(const Request& request, const std::vector<validation::Check>& checks) {
  int passed = 0;
  int failed = 0;
  int left_out = 0;
  Json json = {{"plugin", request.subject.file.string()}, {"checks", Json::array()}};
  for (const auto& check : checks) {
    if (check.needs == Needs::kSuite && !request.subject.suite) {
      ++left_out;
      continue;
    }
    const auto outcome =
        check.needs == Needs::kFile ? run_file_check(request, check) : run_in_own_process(request, check);
    if (wants_stop()) return 128 + interrupted_by();
    if (request.as_json) {
      json["checks"].push_back(to_json(request, check, outcome));
    } else {
      print(request, check, outcome);
    }
    ++(outcome.passed ? passed : failed);
    if (!outcome.passed && check.name == "manifest") break;  // berth would not load it
  }
  if (request.as_json) {
    json.update({{"passed", passed}, {"failed", failed}, {"left_out", left_out}});
    print_json(json);
  } else {
    fmt::print("\n{} of {} checks passed", passed, passed + failed);
    if (left_out > 0) fmt::print("; {} more look at the task's work: give --suite SUITE.toml", left_out);
    fmt::print("\n");
  }
  return failed > 0 ? static_cast<int>(ErrorKind::kPlugin) : 0;
}

int run_here(const validation::Check& check, const validation::Subject& subject) {
  try {
    fmt::print("{}{}\n", Apart::kPassed, check.run(subject));
    return 0;
  } catch (const validation::BadSuite& e) {
    fmt::print("{}{}\n", kSuiteIsBad, e.what());
    return static_cast<int>(e.kind());
  }
}

}  // namespace

int validate_plugin(const Arguments& arguments) {
  auto command = validate_plugin_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto request = read_request(*values, command.line);
  if (!values->contains("only")) {
    if (values->contains("here")) throw Error(ErrorKind::kConfig, "--here needs --only CHECK");
    catch_interrupts();
    return validate(request, validation::checks());
  }
  const auto& check = find_check((*values)["only"].as<std::string>());
  if (!request.suite.empty() && !request.subject.suite) return validate(request, {validation::checks().front()});
  if (check.needs == Needs::kSuite && !request.subject.suite) {
    throw Error(ErrorKind::kConfig, fmt::format("the check '{}' needs --suite SUITE.toml", check.name));
  }
  if (values->contains("here")) return run_here(check, request.subject);
  catch_interrupts();
  return validate(request, {check});
}

}  // namespace berth::app

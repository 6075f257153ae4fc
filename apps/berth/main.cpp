// berth COMMAND ARGUMENTS: finds the command, and turns whatever it throws into a message and an exit code.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/berth/commands.h"
#include "berth/error.h"
#include "core/plugin/guard.h"
#include "core/suite/option_binder.h"

namespace berth::app {
namespace {

struct Command {
  const char* name;
  const char* summary;
  int (*run)(const Arguments&);
};

constexpr Command kCommands[] = {
    {"run", "train the tasks of a suite and report", run},
    {"evaluate", "score a trained task on its sets or on another file", evaluate},
    {"predict", "answer JSON lines with a trained task", predict},
    {"export", "write a trained task as a folder that transformers opens", export_task},
    {"analyze", "show what training changed in the encoder, and where", analyze},
    {"compare", "put the scores of several runs beside each other", compare},
    {"sweep", "try many settings and seeds, and say which matter", sweep},
    {"matrix", "train on each task's set, and test on every other's", matrix},
    {"check", "look at everything of a suite short of training", check},
    {"plugins", "list the plugins that were found, or one's options", plugins},
    {"new-plugin", "make a project for a task of your own", new_plugin},
    {"validate-plugin", "check what the SDK asks of a plugin", validate_plugin},
};

void print_help() {
  fmt::print("usage: berth COMMAND ...\n\nFine-tunes BERT with tasks that are plugins.\n\ncommands:\n");
  for (const auto& command : kCommands) fmt::print("  {:<15} {}\n", command.name, command.summary);
  fmt::print(
      "\n  berth COMMAND --help   its options, with examples\n"
      "  berth --version\n\n"
      "exit codes: 0 done, 2 usage or suite, 3 content of a data or model file, 4 plugin, 5 numeric, 6 other files,\n"
      "            130 and 143 interrupted\n");
}

int dispatch(const Arguments& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" || arguments[0] == "help") {
    print_help();
    return arguments.empty() ? static_cast<int>(ErrorKind::kConfig) : 0;
  }
  if (arguments[0] == "--version") {
    fmt::print("berth {}.{}.{}\n", BERTH_SDK_VERSION_MAJOR, BERTH_SDK_VERSION_MINOR, BERTH_SDK_VERSION_PATCH);
    return 0;
  }
  std::vector<std::string> names;
  for (const auto& command : kCommands) {
    if (arguments[0] == command.name) return command.run({arguments.begin() + 1, arguments.end()});
    names.emplace_back(command.name);
  }
  const auto nearest = suite::nearest_name(arguments[0], names);
  throw Error(ErrorKind::kConfig, fmt::format("no command '{}'{}; see berth --help", arguments[0],
                                              nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
}

int guarded_main(const Arguments& arguments) {
  // A bug of ours, not of the input: none of the documented codes.
  constexpr int kInternal = 1;
  try {
    return dispatch(arguments);
  } catch (const Error& e) {
    fmt::print(stderr, "berth: {}\n", e.what());
    return static_cast<int>(e.kind());
  } catch (const std::filesystem::filesystem_error& e) {
    fmt::print(stderr, "berth: {}\n", e.what());
    return static_cast<int>(ErrorKind::kIo);
  } catch (const std::exception& e) {
    if (plugin::is_out_of_memory(e)) {
      fmt::print(stderr,
                 "berth: out of memory; lower training.batch_size, evaluation.batch_size or model.max_length\n");
      return static_cast<int>(ErrorKind::kIo);
    }
    fmt::print(stderr, "berth: unexpected error, please report it: {}\n", e.what());
    return kInternal;
  }
}

}  // namespace
}  // namespace berth::app

int main(int count, char** values) {
  const int code = berth::app::guarded_main({values + 1, values + count});
  // A reader that went away (`berth plugins | head`) is no failure; an answer that could not be written is.
  if (std::fflush(stdout) != 0 && code == 0) return static_cast<int>(berth::ErrorKind::kIo);
  return code;
}

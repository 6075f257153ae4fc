// berth COMMAND ARGUMENTS: finds the command, and turns whatever it throws into a message and an exit code.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "apps/berth/commands.h"
#include "berth/error.h"
#include "core/plugin/guard.h"
#include "core/report/documentation.h"
#include "core/suite/option_binder.h"

namespace berth::app {
namespace {

constexpr Command kCommands[] = {
    {"init", "write a suite for a data file", init_usage, init},
    {"run", "train the tasks of a suite and report", run_usage, run},
    {"evaluate", "score a trained task on its sets or on another file", evaluate_usage, evaluate},
    {"predict", "answer JSON lines with a trained task", predict_usage, predict},
    {"serve", "answer over HTTP with a trained suite", serve_usage, serve},
    {"export", "write a trained task as a folder that transformers opens", export_usage, export_task},
    {"report", "write report.html of one or several runs", report_usage, report},
    {"analyze", "show what training changed in the encoder, and where", analyze_usage, analyze},
    {"compare", "put the scores of several runs beside each other", compare_usage, compare},
    {"sweep", "try many settings and seeds, and say which matter", sweep_usage, sweep},
    {"matrix", "train on each task's set, and test on every other's", matrix_usage, matrix},
    {"check", "look at everything of a suite short of training", check_usage, check},
    {"plugins", "list the plugins that were found, or one's options", plugins_usage, plugins},
    {"schema", "print the JSON schema of suites for editors", schema_usage, schema},
    {"new-plugin", "make a project for a task of your own", new_plugin_usage, new_plugin},
    {"validate-plugin", "check what the SDK asks of a plugin", validate_plugin_usage, validate_plugin},
    {"completions", "print completions for a shell", completions_usage, completions},
};

void print_help() {
  fmt::print("usage: berth COMMAND ...\n\nFine-tunes BERT with tasks that are plugins.\n\ncommands:\n");
  for (const auto& command : kCommands) fmt::print("  {:<15} {}\n", command.name, command.summary);
  fmt::print(
      "\n  berth COMMAND --help   its options, with examples\n"
      "  berth --version\n\n"
      "exit codes: 0 done, 2 usage or suite, 3 content of a data or model file, 4 plugin, 5 numeric, 6 other files,\n"
      "            129, 130 and 143 interrupted\n");
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

// Where standard error can't be written, nobody is there to be told.
int fail(int code, const std::string& text) {
  std::fputs(fmt::format("berth: {}\n", text).c_str(), stderr);
  return code;
}

int fail(ErrorKind kind, const std::string& text) { return fail(static_cast<int>(kind), text); }

int fail_output() {
  return fail(ErrorKind::kIo, "standard output can't be written, and the answer belongs there; is the disk full?");
}

int guarded_main(const Arguments& arguments) {
  // A bug of ours, not of the input: none of the documented codes.
  constexpr int kInternal = 1;
  try {
    return dispatch(arguments);
  } catch (const Error& e) {
    return fail(e.kind(), e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return fail(ErrorKind::kIo, e.what());
  } catch (const std::exception& e) {
    if (plugin::is_out_of_memory(e)) {
      return fail(ErrorKind::kIo,
                  fmt::format("out of memory; lower training.batch_size, evaluation.batch_size or model.max_length; {}",
                              report::see(report::kOutOfMemoryPage)));
    }
    if (std::ferror(stdout) != 0) return fail_output();  // fmt::print throws
    return fail(kInternal, fmt::format("unexpected error, please report it: {}", e.what()));
  }
}

#ifndef __SANITIZE_ADDRESS__  // which is not ready by then
// LibTorch's MKL looks for the present folder before main() begins, and ends a process that has none with words that
// nobody understands. So this comes before the libraries' own constructors.
void check_present_folder() {
  std::array<char, PATH_MAX> path{};
  if (getcwd(path.data(), path.size()) != nullptr || errno != ENOENT) return;
  constexpr std::string_view kText = "berth: the present folder is gone; change to another\n";
  static_cast<void>(!write(STDERR_FILENO, kText.data(), kText.size()));
  _exit(static_cast<int>(ErrorKind::kIo));
}

__attribute__((section(".preinit_array"), used)) void (*const g_before_libraries)() = check_present_folder;
#endif

// A file that is opened later must not become standard output or error. Writing to the one that stands in for a closed
// standard output fails, as it should.
void fill_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    static_cast<void>(open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY));  // takes the lowest number
  }
}

int run_program(const Arguments& arguments) {
  fill_closed_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may grow no larger is an error like a full disk
  const int code = guarded_main(arguments);
  // A reader that went away (`berth plugins | head`) is no failure; an answer that could not be written is.
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return code == 0 && !is_written ? fail_output() : code;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace berth::app

int main(int count, char** values) { return berth::app::run_program({values + 1, values + count}); }

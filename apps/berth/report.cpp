// berth report: report.html of a run, or of several side by side.
#include <fmt/format.h>

#include <boost/program_options/value_semantic.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/berth/commands.h"
#include "core/report/html/html_report.h"

namespace berth::app {
namespace po = boost::program_options;

Usage report_usage() {
  Usage usage;
  usage.line = "berth report RUN_DIR... [options]";
  usage.summary =
      "Writes report.html, one file that any browser opens without a network: of one run all that there is to see, of\n"
      "several what sets them apart. Of a run that goes on, too. `berth run` writes its own at its end.";
  usage.examples =
      "  berth report runs/quickstart\n"
      "  berth report runs/second --against runs/first\n"
      "  berth report runs/full runs/lora --out full-and-lora.html\n";
  usage.positional.add("run", -1);
  usage.options.add_options()("out", po::value<std::string>()->value_name("FILE"),
                              "where to (default: RUN_DIR/report.html, of several runs report.html in this folder)")(
      "against", po::value<Arguments>()->composing()->value_name("RUN_DIR"),
      "hold the run's scores against those of an earlier run (repeatable)");
  add_json(usage.options);
  return usage;
}

namespace {

std::vector<report::RunFolder> folders_of(const po::variables_map& values, const char* name) {
  std::vector<report::RunFolder> folders;
  if (!values.contains(name)) return folders;
  const auto& paths = values[name].as<Arguments>();
  folders.reserve(paths.size());
  for (const auto& path : paths) folders.push_back(report::RunFolder::open(path));
  return folders;
}

std::filesystem::path file_for(const po::variables_map& values, const std::vector<report::RunFolder>& runs) {
  if (values.contains("out")) return values["out"].as<std::string>();
  return runs.size() == 1 ? runs.front().path() / "report.html" : std::filesystem::path("report.html");
}

}  // namespace

int report(const Arguments& arguments) {
  auto command = report_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto runs = folders_of(*values, "run");
  if (runs.empty()) throw Error(ErrorKind::kConfig, "a run folder is missing; usage: " + command.line);
  report::ReportOptions options;
  options.against = folders_of(*values, "against");
  if (!options.against.empty() && runs.size() > 1) {
    throw Error(
        ErrorKind::kConfig,
        fmt::format("--against goes with one run, but there are {}; they stand side by side without it", runs.size()));
  }
  if (wants_json(*values)) {
    auto all = runs;
    all.insert(all.end(), options.against.begin(), options.against.end());
    print_json(report::runs_json(all));
    return 0;
  }
  const auto file = file_for(*values, runs);
  report::write_html_report(runs, options, file);
  fmt::print("{}\n", file.string());
  return 0;
}

}  // namespace berth::app

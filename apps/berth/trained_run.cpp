#include "apps/berth/trained_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/suite_argument.h"
#include "core/suite/option_binder.h"

namespace berth::app {
namespace po = boost::program_options;

void add_run_options(po::options_description& options) {
  options.add_options()("checkpoint", po::value<std::string>()->default_value("best")->value_name("best|last|DIR"),
                        "best, last, or a checkpoint's folder");
  add_plugin_path(options);
}

TrainedRun open_run(const po::variables_map& values, const std::string& folder) {
  auto run = report::RunFolder::open(folder);
  auto suite = read_suite_of(run);
  auto which = values["checkpoint"].as<std::string>();
  run.checkpoint(which);  // that there is one, before plugins are looked for
  return {std::move(run), std::move(suite), find_plugins(values), std::move(which)};
}

void TrainedRun::check_task(const std::string& task) const {
  std::vector<std::string> known;
  for (const auto& config : suite.tasks) known.push_back(config.name);
  if (std::find(known.begin(), known.end(), task) != known.end()) return;
  const auto nearest = suite::nearest_name(task, known);
  throw Error(ErrorKind::kConfig, fmt::format("--task {}: the run has no such task{}; its tasks: {}", task,
                                              nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                                              fmt::join(known, ", ")));
}

training::Session TrainedRun::open(const std::string& task) const {
  check_task(task);
  return training::open_session(suite, registry, checkpoint(task), task);
}

}  // namespace berth::app

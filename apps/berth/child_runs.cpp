#include "apps/berth/child_runs.h"

#include <ATen/Parallel.h>

#include <boost/program_options/value_semantic.hpp>

#include "apps/berth/interrupt.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/data/unpack.h"
#include "core/plugin/loaded_task.h"
#include "core/training/session.h"

namespace berth::app {
namespace po = boost::program_options;

void add_child_options(po::options_description& options) {
  options.add_options()("jobs", po::value<std::int64_t>()->default_value(1)->value_name("N"),
                        "runs at once; they share the threads, and each needs the memory of a run");
  add_plugin_path(options);
}

sweep::RunnerOptions runner_options(const po::variables_map& values, const suite::Suite& suite,
                                    const std::filesystem::path& folder) {
  sweep::RunnerOptions options;
  options.folder = folder;
  options.jobs = values["jobs"].as<std::int64_t>();
  if (options.jobs < 1) throw Error(ErrorKind::kConfig, "--jobs must be at least 1");
  options.threads = suite.training.threads > 0 ? suite.training.threads : at::get_num_threads();
  if (values.contains("plugin-path")) {
    for (const auto& path : values["plugin-path"].as<std::vector<std::string>>()) {
      options.arguments.insert(options.arguments.end(), {"--plugin-path", path});
    }
  }
  options.wants_stop = wants_stop;
  return options;
}

void check_before_running(const suite::Suite& suite, const plugin::Registry& registry) {
  checkpoint::model_folder(suite.model.path);
  for (const auto& config : suite.tasks) {
    const plugin::LoadedTask task(registry, config);
    auto files = training::set_files(config);
    if (config.train) files.push_back(*config.train);
    for (const auto& file : files) {
      if (file.path == data::kStandardInput) {
        throw Error(ErrorKind::kConfig, file.where,
                    "standard input can be read once, but several runs would need it; write it to a file first");
      }
      const auto reader = task.make_reader(file);
      task.open(*reader, file);
    }
  }
}

}  // namespace berth::app

#include "core/data/named_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/suite/option_binder.h"

namespace berth::data {

const suite::DataSetConfig& find_set(const suite::TaskConfig& task, const std::string& name) {
  if (task.dev && name == "dev") return *task.dev;
  std::vector<std::string> known;
  if (task.dev || task.split > 0) known.emplace_back("dev");
  for (const auto& set : task.sets) {
    if (set.name == name) return set;
    known.push_back(set.name);
  }
  const auto nearest = suite::nearest_name(name, known);
  throw Error(ErrorKind::kConfig, task.where,
              fmt::format("tasks.{} has no set '{}'{}; {}", task.name, name,
                          nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                          known.empty() ? "it has none to be tested on; give it 'dev', 'split' or [tasks.NAME.sets]"
                                        : fmt::format("it has {}", fmt::join(known, ", "))));
}

TaskData read_named_set(const plugin::LoadedTask& task, const NamedSet& set, const FeatureOptions& options) {
  Examples examples;
  if (set.name == "dev" && !set.of.dev && set.of.split > 0) {
    examples = split_examples(task, read_examples(task, *set.of.train), set.of.split, set.seed).dev;
  } else {
    examples = read_examples(task, find_set(set.of, set.name));
  }
  return make_task_data(task, set.name, std::move(examples), Keep::kExamples, options);
}

std::vector<bool> split_off(const plugin::LoadedTask& task, std::uint64_t seed) {
  const auto& config = task.config();
  if (!(config.split > 0)) return {};
  return split_examples(task, read_examples(task, *config.train), config.split, seed).is_dev;
}

}  // namespace berth::data

#include "core/data/task_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/training/random.h"

namespace berth::data {
namespace {

// The examples of a stream that did not go to dev.
class TrainingPart final : public ExampleStream {
 public:
  TrainingPart(ExampleStream& whole, const std::vector<bool>& is_dev) : whole_(whole), is_dev_(is_dev) {}

  std::unique_ptr<Example> next() override {
    auto example = whole_.next();
    while (example && position_ < is_dev_.size() && is_dev_[position_]) {
      example = whole_.next();
      ++position_;
    }
    ++position_;
    return example;
  }

 private:
  ExampleStream& whole_;
  const std::vector<bool>& is_dev_;
  std::size_t position_ = 0;
};

}  // namespace

Examples read_examples(const plugin::LoadedTask& task, const suite::DataSetConfig& set) {
  auto reader = task.make_reader(set);
  auto stream = task.open(*reader, set);
  Examples examples;
  while (auto example = task.next(*stream)) examples.push_back(std::move(example));
  if (examples.empty()) {
    throw Error(ErrorKind::kContent, {set.path.string()},
                fmt::format("the {} set of {} has no examples; give a file with at least one row below its header",
                            set.name, task.owner()));
  }
  return examples;
}

void fit(plugin::LoadedTask& task, const suite::DataSetConfig& set, const std::vector<bool>& is_dev) {
  auto reader = task.make_reader(set);
  auto whole = task.open(*reader, set);
  TrainingPart part(*whole, is_dev);
  task.fit(part);
}

Split split_examples(const plugin::LoadedTask& task, Examples examples, double share, std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> strata;
  for (std::size_t i = 0; i < examples.size(); ++i) strata[task.stratum(*examples[i])].push_back(i);

  // Largest remainders: each stratum gives floor(share * size), and those with the largest rests one more, so that the
  // whole comes as near to share as single examples allow.
  training::Random random(training::mix({seed, training::hash_name(task.name()), training::hash_name("split")}));
  struct Quota {
    std::vector<std::size_t>* members;
    std::size_t count;
    double rest;
  };
  std::vector<Quota> quotas;
  std::size_t taken = 0;
  for (auto& [name, members] : strata) {
    random.shuffle(members);
    const double exact = share * static_cast<double>(members.size());
    quotas.push_back({&members, static_cast<std::size_t>(exact), exact - std::floor(exact)});
    taken += quotas.back().count;
  }
  const auto wanted = static_cast<std::size_t>(std::lround(share * static_cast<double>(examples.size())));
  std::stable_sort(quotas.begin(), quotas.end(), [](const Quota& a, const Quota& b) { return a.rest > b.rest; });
  for (auto& quota : quotas) {
    if (taken < wanted && quota.count < quota.members->size()) {
      ++quota.count;
      ++taken;
    }
  }
  Split split;
  split.is_dev.resize(examples.size(), false);
  for (const auto& quota : quotas) {
    for (std::size_t i = 0; i < quota.count; ++i) split.is_dev[(*quota.members)[i]] = true;
  }
  for (std::size_t i = 0; i < examples.size(); ++i) {
    (split.is_dev[i] ? split.dev : split.train).push_back(std::move(examples[i]));
  }
  if (split.dev.empty() || split.train.empty()) {
    throw Error(ErrorKind::kConfig, task.config().where,
                fmt::format("split = {} of {} examples leaves {} to train on and {} for dev; choose another share or "
                            "give a dev file",
                            share, examples.size(), split.train.size(), split.dev.size()));
  }
  return split;
}

TaskData make_task_data(const plugin::LoadedTask& task, const std::string& set_name, Examples examples, Keep keep,
                        const FeatureOptions& options) {
  TaskData data{set_name, FeatureStore(task.fields(), options.dtype, task.owner()), {}, {}, {0}, 0};
  const FeatureContext context{options.tokenizer, options.max_length};
  for (auto& example : examples) {
    for (auto& feature : task.features(*example, context)) {
      if (static_cast<std::int64_t>(feature.encoding.size()) > options.max_length) {
        throw Error(ErrorKind::kPlugin, example->where,
                    fmt::format("{}, features: a sequence of {} tokens, but model.max_length is {}; the task has to "
                                "truncate to FeatureContext::max_length",
                                task.owner(), feature.encoding.size(), options.max_length));
      }
      data.store.add(feature);
      if (keep == Keep::kExamples) data.features.push_back(std::move(feature));
    }
    data.first_feature.push_back(data.store.size());
    ++data.example_count;
    if (keep == Keep::kFeatures) example.reset();
  }
  if (keep == Keep::kExamples) data.examples = std::move(examples);
  return data;
}

}  // namespace berth::data

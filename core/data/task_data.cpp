#include "core/data/task_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "core/data/unpack.h"
#include "core/training/random.h"

namespace berth::data {
namespace {

// The examples of a stream that did not go to dev, and no more than `most`.
class TrainingPart final : public ExampleStream {
 public:
  TrainingPart(ExampleStream& whole, const std::vector<bool>& is_dev, std::int64_t most)
      : whole_(whole), is_dev_(is_dev), left_(most) {}

  std::unique_ptr<Example> next() override {
    if (left_-- <= 0) return nullptr;
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
  std::int64_t left_;
  std::size_t position_ = 0;
};

// Examples that go to one part together, and the stratum of the first.
struct Unit {
  std::string stratum;
  std::vector<std::size_t> members;
};

std::vector<Unit> units_of(const plugin::LoadedTask& task, const Examples& examples) {
  std::vector<Unit> units;
  std::map<std::string, std::size_t> unit_of_group;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const auto group = task.group(*examples[i]);
    if (!group.empty()) {
      const auto [found, is_new] = unit_of_group.emplace(group, units.size());
      if (!is_new) {
        units[found->second].members.push_back(i);
        continue;
      }
    }
    units.push_back({task.stratum(*examples[i]), {i}});
  }
  return units;
}

// Largest remainders: each stratum gives floor(share * size), and those with the largest rests one more, so that the
// whole comes as near to share as single units allow. The last unit of a stratum is taken only where nothing else is
// left: the training part would not know its label.
std::vector<std::size_t> draw_dev(const std::vector<Unit>& units, std::size_t examples, double share,
                                  std::uint64_t seed) {
  struct Quota {
    std::vector<const Unit*> units;
    std::size_t size = 0;   // examples
    std::size_t count = 0;  // of them to be taken
    double rest = 0;
  };
  std::map<std::string, Quota> strata;
  for (const Unit& unit : units) {
    auto& quota = strata[unit.stratum];
    quota.units.push_back(&unit);
    quota.size += unit.members.size();
  }
  // Neither the task's name nor what else is in the suite counts: two tasks on one file get the same parts.
  training::Random random(training::mix({seed, training::hash_name("split")}));
  std::vector<Quota> quotas;
  std::size_t promised = 0;
  for (auto& [name, quota] : strata) {
    random.shuffle(quota.units);
    const double exact = share * static_cast<double>(quota.size);
    quota.count = static_cast<std::size_t>(exact);
    quota.rest = exact - std::floor(exact);
    promised += quota.count;
    quotas.push_back(std::move(quota));
  }
  random.shuffle(quotas);  // equal rests: not by name
  std::stable_sort(quotas.begin(), quotas.end(), [](const Quota& a, const Quota& b) {
    return std::pair(a.units.size() > 1, a.rest) > std::pair(b.units.size() > 1, b.rest);
  });
  const auto wanted = static_cast<std::size_t>(std::lround(share * static_cast<double>(examples)));
  for (auto& quota : quotas) {
    const bool has_more = quota.count + (quota.units.size() > 1 ? 1 : 0) < quota.size;
    if (promised < wanted && has_more) {
      ++quota.count;
      ++promised;
    }
  }
  std::vector<std::size_t> dev;
  for (const auto& quota : quotas) {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < quota.units.size() && taken < quota.count; ++i) {
      if (i + 1 == quota.units.size() && i > 0) break;
      dev.insert(dev.end(), quota.units[i]->members.begin(), quota.units[i]->members.end());
      taken += quota.units[i]->members.size();
    }
  }
  return dev;
}

}  // namespace

std::vector<Where> TaskData::places_of(const std::vector<std::int64_t>& of_features) const {
  std::vector<std::int64_t> known;
  std::vector<Where> result;
  for (const auto feature : of_features) {
    const auto after = std::upper_bound(first_feature.begin(), first_feature.end(), feature);
    const auto example = std::distance(first_feature.begin(), after) - 1;
    if (std::find(known.begin(), known.end(), example) != known.end()) continue;
    known.push_back(example);
    result.push_back(places.of(example));
  }
  return result;
}

void TaskData::clear() {
  store.clear();
  examples.clear();
  features.clear();
  first_feature.held() = {0};
  example_count = 0;
  places = {};
}

Examples read_examples(const plugin::LoadedTask& task, const suite::DataSetConfig& set, std::int64_t most) {
  auto reader = task.make_reader(set);
  auto stream = task.open(*reader, set);
  Examples examples;
  while (std::ssize(examples) < most) {
    auto example = task.next(*stream);
    if (!example) break;
    examples.push_back(std::move(example));
  }
  if (examples.empty()) {
    throw Error(ErrorKind::kContent, {display_name(set.path)},
                fmt::format("the {} set of {} has no examples; give a file with at least one row below its header",
                            set.name, task.owner()));
  }
  return examples;
}

Examples spread(Examples examples, std::int64_t count) {
  const auto all = static_cast<std::int64_t>(examples.size());
  if (all <= count) return examples;
  Examples some;
  for (std::int64_t i = 0; i < count; ++i)
    some.push_back(std::move(examples[static_cast<std::size_t>(i * all / count)]));
  return some;
}

void fit(plugin::LoadedTask& task, const suite::DataSetConfig& set, const std::vector<bool>& is_dev) {
  auto reader = task.make_reader(set);
  auto whole = task.open(*reader, set);
  const bool is_streamed = task.config().stream;
  TrainingPart part(*whole, is_dev, is_streamed ? kFittedOfStream : std::numeric_limits<std::int64_t>::max());
  task.fit(part);
}

Split split_examples(const plugin::LoadedTask& task, Examples examples, double share, std::uint64_t seed) {
  Split split;
  split.is_dev.resize(examples.size(), false);
  for (const auto i : draw_dev(units_of(task, examples), examples.size(), share, seed)) split.is_dev[i] = true;
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

std::vector<Feature> make_features(const plugin::LoadedTask& task, const Example& example,
                                   const FeatureOptions& options) {
  auto features = task.features(example, {options.tokenizer, options.max_length});
  for (const auto& feature : features) {
    if (static_cast<std::int64_t>(feature.encoding.size()) <= options.max_length) continue;
    throw Error(ErrorKind::kPlugin, example.where,
                fmt::format("{}, features: a sequence of {} tokens, but model.max_length is {}; the task has to "
                            "truncate to FeatureContext::max_length",
                            task.owner(), feature.encoding.size(), options.max_length));
  }
  return features;
}

void add_features(std::span<const Feature> features, const Where& where, TaskData& data) {
  try {
    for (const auto& feature : features) data.store.add(feature);
  } catch (const Error& error) {
    throw Error(error.kind(), where, error.what());
  }
  data.first_feature.held().push_back(data.store.size());
  data.places.add(where);
  ++data.example_count;
}

TaskData empty_task_data(const plugin::LoadedTask& task, const std::string& set_name, const FeatureOptions& options) {
  return {set_name, FeatureStore(task.fields(), options.reals, task.owner()), {}, {}, {0}, 0};
}

void add_input(const plugin::LoadedTask& task, std::unique_ptr<Example> example, const FeatureOptions& options,
               TaskData& data) {
  auto features = make_features(task, *example, options);
  for (const auto& spec : task.fields()) {
    if (spec.role != FieldRole::kTarget) continue;
    for (auto& feature : features) feature.fields.erase(spec.name);
  }
  add_features(features, example->where, data);
  std::move(features.begin(), features.end(), std::back_inserter(data.features));
  data.examples.push_back(std::move(example));
}

TaskData make_task_data(const plugin::LoadedTask& task, const std::string& set_name, Examples examples, Keep keep,
                        const FeatureOptions& options) {
  TaskData data = empty_task_data(task, set_name, options);
  for (auto& example : examples) {
    auto features = make_features(task, *example, options);
    add_features(features, example->where, data);
    if (keep == Keep::kExamples) {
      std::move(features.begin(), features.end(), std::back_inserter(data.features));
    } else {
      example.reset();
    }
  }
  if (keep == Keep::kExamples) data.examples = std::move(examples);
  return data;
}

}  // namespace berth::data

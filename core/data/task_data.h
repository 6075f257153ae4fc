// One set of a task in memory: its features ready to pack and, for evaluation, the examples and features that decoding
// needs.
#pragma once

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/data/feature_store.h"
#include "core/data/places.h"
#include "core/plugin/loaded_task.h"

namespace berth::data {

using Examples = std::vector<std::unique_ptr<Example>>;

// Reads a whole set, or `most` examples from its start. Throws Error kContent where it has no examples.
Examples read_examples(const plugin::LoadedTask& task, const suite::DataSetConfig& set,
                       std::int64_t most = std::numeric_limits<std::int64_t>::max());

// `count` of them, evenly spread over the set; all, where there are no more.
Examples spread(Examples examples, std::int64_t count);

struct Split {
  Examples train;
  Examples dev;
  std::vector<bool> is_dev;  // by the example's place in the file
};

// share of the examples, drawn by seed, spread evenly over Task::stratum() and whole Task::group()s at a time, becomes
// dev; both keep the file's order.
Split split_examples(const plugin::LoadedTask& task, Examples examples, double share, std::uint64_t seed);

// So many examples of a streamed training set, from its start, are what a task learns its labels from.
constexpr std::int64_t kFittedOfStream = 100'000;

// Task::fit() on the training set as it stands in its file, without the examples that went to dev (none where is_dev is
// empty).
void fit(plugin::LoadedTask& task, const suite::DataSetConfig& set, const std::vector<bool>& is_dev);

enum class Keep : std::uint8_t {
  kFeatures,  // for training: the examples are dropped once their features are made
  kExamples,  // for evaluation: examples and features stay
};

struct TaskData {
  std::string name;
  FeatureStore store;
  Examples examples;                    // empty unless kExamples
  std::vector<Feature> features;        // likewise
  Numbers<std::int64_t> first_feature;  // [examples + 1] into the store
  std::int64_t example_count = 0;
  Places places = {};  // of the examples, kept or not

  // As it was before the first feature.
  void clear();
  // Of the examples that these features are made of, each once, in the features' order.
  std::vector<Where> places_of(const std::vector<std::int64_t>& of_features) const;
};

struct FeatureOptions {
  const Tokenizer& tokenizer;
  std::int64_t max_length;
  at::TensorOptions reals;  // see FeatureStore
};

// What predict() needs of examples whose labels, should they have any, don't count.
TaskData empty_task_data(const plugin::LoadedTask& task, const std::string& set_name, const FeatureOptions& options);
void add_input(const plugin::LoadedTask& task, std::unique_ptr<Example> example, const FeatureOptions& options,
               TaskData& data);

// Throws Error kPlugin for a sequence longer than max_length; every error names the example's place.
std::vector<Feature> make_features(const plugin::LoadedTask& task, const Example& example,
                                   const FeatureOptions& options);

// Those of one example, or some of them. Throws what FeatureStore::add() throws, with the example's place.
void add_features(std::span<const Feature> features, const Where& where, TaskData& data);

// Throws what make_features() and add_features() throw.
TaskData make_task_data(const plugin::LoadedTask& task, const std::string& set_name, Examples examples, Keep keep,
                        const FeatureOptions& options);

}  // namespace berth::data

#include "core/evaluation/evaluator.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <limits>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/debias/groups.h"
#include "core/device/device.h"
#include "core/distributed/batch_share.h"
#include "core/training/random.h"

namespace berth::evaluation {
namespace {

// A head's outputs for one batch, shared by the results of its sequences.
struct BatchOutputs {
  Outputs outputs;
  at::Tensor offsets;
};

class Result final : public FeatureResult {
 public:
  Result(const Feature& feature, std::shared_ptr<const BatchOutputs> batch, std::int64_t sequence)
      : feature_(feature), batch_(std::move(batch)), sequence_(sequence) {}

  const Feature& feature() const override { return feature_; }

  at::Tensor sequence(std::string_view output) const override {
    return rows(output, batch_->offsets.size(0) - 1, "sequence")[sequence_];
  }

  at::Tensor tokens(std::string_view output) const override {
    const auto* offsets = batch_->offsets.const_data_ptr<std::int64_t>();
    return rows(output, offsets[batch_->offsets.size(0) - 1], "token")
        .slice(0, offsets[sequence_], offsets[sequence_ + 1]);
  }

  at::Tensor whole(std::string_view output) const override { return find(output); }

 private:
  const at::Tensor& rows(std::string_view name, std::int64_t count, const char* what) const {
    const auto& output = find(name);
    if (output.dim() > 0 && output.size(0) == count) return output;
    throw Error(
        ErrorKind::kPlugin,
        fmt::format("output '{}' of the head's predict() has not one row a {}; ask for it as it is with whole()", name,
                    what));
  }

  const at::Tensor& find(std::string_view name) const {
    auto found = batch_->outputs.find(name);
    if (found == batch_->outputs.end()) {
      throw Error(ErrorKind::kPlugin, fmt::format("the head's predict() gave no output '{}'", name));
    }
    return found->second;
  }

  const Feature& feature_;
  std::shared_ptr<const BatchOutputs> batch_;
  std::int64_t sequence_;
};

model::EncoderOutput encode(const TaskModel& model, const Batch& batch, std::int64_t first,
                            const EvaluationOptions& options) {
  if (options.encode) return options.encode(batch, first);
  auto input = data::encoder_input(batch);
  if (options.hidden != nullptr) {
    input.hidden = options.hidden->pack_from(first, batch.size());
    input.stages = options.hidden->stages();
  }
  model::EncoderRun run;
  run.input = model.task.input(model.head);
  return model.encoder.forward(input, run);
}

std::shared_ptr<const BatchOutputs> run_batch(const TaskModel& model, const Batch& batch, model::EncoderOutput output,
                                              std::uint64_t seed) {
  const data::EncodedBatch encoded(batch, std::move(output));
  training::seed_libtorch(seed);
  auto outputs = plugin::guarded(model.task.site("predict"), [&] { return model.head.predict(encoded); });
  for (auto& [name, tensor] : outputs) tensor = device::copy_to(tensor, at::kCPU);
  return std::make_shared<BatchOutputs>(BatchOutputs{std::move(outputs), batch.offsets()});
}

// One metric a group, of the same kind as the task's own.
class GroupMetrics {
 public:
  explicit GroupMetrics(const TaskModel& model) : task_(model.task) {}

  void add(const Example& example, const Prediction& prediction) {
    if (task_.config().debias.group.empty()) return;
    const auto group = debias::group_of(task_, example);
    if (!group.empty()) task_.add(metric_of(group), example, prediction);
  }

  // Names and states, one after another.
  void add_states(std::vector<std::string>& pieces) const {
    for (const auto& [group, metric] : metrics_) {
      pieces.push_back(group);
      pieces.push_back(task_.state(*metric));
    }
  }
  void clear() { metrics_.clear(); }
  void merge(const std::string& group, const std::string& state) { task_.merge(metric_of(group), state); }

  std::map<std::string, std::vector<Score>> results() const {
    std::map<std::string, std::vector<Score>> results;
    for (const auto& [group, metric] : metrics_) results[group] = task_.scores(*metric);
    return results;
  }

 private:
  Metric& metric_of(const std::string& group) {
    auto& metric = metrics_[group];
    if (!metric) metric = task_.make_metric();
    return *metric;
  }

  const plugin::LoadedTask& task_;
  std::map<std::string, std::unique_ptr<Metric>> metrics_;
};

// Half-open, of the set's examples.
struct Part {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Features are packed as they would be for the whole set, so that each gets the bits that it gets there.
void predict_part(const TaskModel& model, const data::TaskData& data, const Part& part,
                  const EvaluationOptions& options, const OwningSink& sink) {
  const at::NoGradGuard no_grad;
  model.head.eval();
  std::deque<Result> results;  // of features that no prediction was made from yet
  auto example = part.begin;
  const auto begin = data.first_feature[part.begin];
  const auto end = data.first_feature[part.end];
  for (auto from = begin - begin % options.batch_size; from < end; from += options.batch_size) {
    const auto batch = data.store.pack_from(from, options.batch_size);
    const auto count = batch->size();
    const auto seed = training::mix({options.seed, training::hash_name(data.name), static_cast<std::uint64_t>(from)});
    const auto outputs = run_batch(model, *batch, encode(model, *batch, from, options), seed);
    for (auto b = std::max(begin - from, std::int64_t{0}); b < count; ++b) {
      results.emplace_back(data.features[from + b], outputs, b);
    }

    while (example < part.end && data.first_feature[example + 1] <= from + count) {
      const auto windows = data.first_feature[example + 1] - data.first_feature[example];
      std::vector<const FeatureResult*> of_example;
      of_example.reserve(static_cast<std::size_t>(windows));
      for (std::int64_t i = 0; i < windows; ++i) of_example.push_back(&results[i]);
      sink(*data.examples[example], model.task.decode(*data.examples[example], of_example));
      for (std::int64_t i = 0; i < windows; ++i) results.pop_front();
      ++example;
    }
    if (options.wants_stop && options.wants_stop()) throw Stopped{};
  }
}

// This process's examples, as many tokens as the others'.
Part own_part(const data::TaskData& data, const distributed::Group& group) {
  if (group.is_alone()) return {0, data.example_count};
  std::vector<std::int64_t> lengths;
  lengths.reserve(static_cast<std::size_t>(data.example_count));
  for (std::int64_t example = 0; example < data.example_count; ++example) {
    std::int64_t tokens = 0;
    for (auto f = data.first_feature[example]; f < data.first_feature[example + 1]; ++f) tokens += data.store.length(f);
    lengths.push_back(tokens);
  }
  const auto share = distributed::share_of(lengths, group.rank(), group.size());
  return {static_cast<std::int64_t>(share.begin), static_cast<std::int64_t>(share.end)};
}

// What processes tell each other of their parts: that one was stopped, or the metrics' states.
constexpr const char* kStopped = "stopped";
constexpr const char* kDone = "done";

// All processes' metrics as one, and likewise those of the groups.
std::unique_ptr<Metric> join(const plugin::LoadedTask& task, const Metric& own, GroupMetrics& groups, bool was_stopped,
                             distributed::Group& processes) {
  std::vector<std::string> pieces = {was_stopped ? kStopped : kDone, task.state(own)};
  groups.add_states(pieces);
  auto metric = task.make_metric();
  groups.clear();
  const auto parts = processes.gather(pieces);
  for (const auto& part : parts) {
    if (part.at(0) == kStopped) throw Stopped{};
  }
  for (const auto& part : parts) {
    task.merge(*metric, part.at(1));
    for (std::size_t i = 2; i + 1 < part.size(); i += 2) groups.merge(part[i], part[i + 1]);
  }
  return metric;
}

}  // namespace

void predict(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
             const PredictionSink& sink) {
  predict_owned(model, data, options,
                [&](const Example& example, std::unique_ptr<Prediction> prediction) { sink(example, *prediction); });
}

void predict_owned(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
                   const OwningSink& sink) {
  predict_part(model, data, {0, data.example_count}, options, sink);
}

Evaluation evaluate(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
                    const EvaluationSinks& sinks) {
  const auto start = std::chrono::steady_clock::now();
  auto metric = model.task.make_metric();
  GroupMetrics groups(model);
  auto& processes = options.group != nullptr ? *options.group : distributed::Group::alone();
  bool was_stopped = false;
  try {
    predict_part(model, data, own_part(data, processes), options,
                 [&](const Example& example, const std::unique_ptr<Prediction>& prediction) {
                   model.task.add(*metric, example, *prediction);
                   groups.add(example, *prediction);
                   if (sinks.prediction) sinks.prediction(example, *prediction);
                 });
  } catch (const Stopped&) {
    if (processes.is_alone()) throw;
    was_stopped = true;  // the others have to hear of it
  }
  if (!processes.is_alone()) metric = join(model.task, *metric, groups, was_stopped, processes);
  Evaluation evaluation;
  evaluation.scores = model.task.scores(*metric);
  evaluation.groups = groups.results();
  evaluation.examples = data.example_count;
  evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (sinks.metric) sinks.metric(*metric);
  return evaluation;
}

const Score& Evaluation::primary() const { return primary_of(scores); }

const std::string& Evaluation::worst_group() const {
  return std::min_element(groups.begin(), groups.end(),
                          [](const auto& a, const auto& b) {
                            return goodness(primary_of(a.second)) < goodness(primary_of(b.second));
                          })
      ->first;
}

const Score& primary_of(const std::vector<Score>& scores) {
  return *std::find_if(scores.begin(), scores.end(), [](const Score& s) { return s.is_primary; });
}

double goodness(const Score& score) {
  if (std::isnan(score.value)) return -std::numeric_limits<double>::infinity();
  return score.direction == Direction::kHigherIsBetter ? score.value : -score.value;
}

}  // namespace berth::evaluation

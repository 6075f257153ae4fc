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
  return std::make_shared<BatchOutputs>(BatchOutputs{std::move(outputs), batch.offsets()});
}

// One metric a group, of the same kind as the task's own.
class GroupMetrics {
 public:
  explicit GroupMetrics(const TaskModel& model) : task_(model.task) {}

  void add(const Example& example, const Prediction& prediction) {
    if (task_.config().debias.group.empty()) return;
    const auto group = debias::group_of(task_, example);
    if (group.empty()) return;
    auto& metric = metrics_[group];
    if (!metric) metric = task_.make_metric();
    task_.add(*metric, example, prediction);
  }

  std::map<std::string, std::vector<Score>> results() const {
    std::map<std::string, std::vector<Score>> results;
    for (const auto& [group, metric] : metrics_) results[group] = task_.scores(*metric);
    return results;
  }

 private:
  const plugin::LoadedTask& task_;
  std::map<std::string, std::unique_ptr<Metric>> metrics_;
};

}  // namespace

void predict(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
             const PredictionSink& sink) {
  predict_owned(model, data, options,
                [&](const Example& example, std::unique_ptr<Prediction> prediction) { sink(example, *prediction); });
}

void predict_owned(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
                   const OwningSink& sink) {
  const at::NoGradGuard no_grad;
  model.head.eval();
  std::deque<Result> results;  // of features that no prediction was made from yet
  std::int64_t example = 0;
  for (std::int64_t from = 0; from < data.store.size(); from += options.batch_size) {
    const auto batch = data.store.pack_from(from, options.batch_size);
    const auto count = batch->size();
    const auto seed = training::mix({options.seed, training::hash_name(data.name), static_cast<std::uint64_t>(from)});
    const auto outputs = run_batch(model, *batch, encode(model, *batch, from, options), seed);
    for (std::int64_t b = 0; b < count; ++b) results.emplace_back(data.features[from + b], outputs, b);

    while (example < data.example_count && data.first_feature[example + 1] <= from + count) {
      const auto windows = data.first_feature[example + 1] - data.first_feature[example];
      std::vector<const FeatureResult*> of_example;
      for (std::int64_t i = 0; i < windows; ++i) of_example.push_back(&results[i]);
      sink(*data.examples[example], model.task.decode(*data.examples[example], of_example));
      for (std::int64_t i = 0; i < windows; ++i) results.pop_front();
      ++example;
    }
    if (options.wants_stop && options.wants_stop()) throw Stopped{};
  }
}

Evaluation evaluate(const TaskModel& model, const data::TaskData& data, const EvaluationOptions& options,
                    const EvaluationSinks& sinks) {
  const auto start = std::chrono::steady_clock::now();
  const auto metric = model.task.make_metric();
  GroupMetrics groups(model);
  predict(model, data, options, [&](const Example& example, const Prediction& prediction) {
    model.task.add(*metric, example, prediction);
    groups.add(example, prediction);
    if (sinks.prediction) sinks.prediction(example, prediction);
  });
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

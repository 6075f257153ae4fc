#include "core/analysis/probe.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <torch/optim/adamw.h>

#include <optional>
#include <utility>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/data/hidden_cache.h"
#include "core/device/device.h"
#include "core/training/random.h"
#include "core/training/task_batches.h"

namespace berth::analysis {
namespace {

// What a head reads of one layer's output.
model::EncoderOutput output_of(const Batch& batch, const at::Tensor& hidden, HeadInput input) {
  model::EncoderOutput output;
  const at::Tensor rows = device::copy_to(batch.offsets().narrow(0, 0, batch.size()), hidden.device());
  output.first = at::index_select(hidden, 0, rows);
  if (input == HeadInput::kAllTokens) output.hidden = hidden;
  if (input == HeadInput::kPooled) output.pooled = output.first;
  return output;
}

void train(const ProbeTask& task, Head& head, const data::HiddenCache& states, const ProbeOptions& options) {
  torch::optim::AdamW optimizer(head.parameters(), torch::optim::AdamWOptions(options.rate));
  training::TaskBatches batches(task.task.name(), task.train.size(), {options.batch_size, 1, true, options.seed});
  head.train();
  for (std::int64_t step = 0; step < options.epochs * batches.steps_per_epoch(); ++step) {
    if (options.tick) options.tick();
    const auto features = batches.at(step).front();
    const auto batch = task.train.pack(features);
    const data::EncodedBatch encoded(*batch, output_of(*batch, states.pack(features), task.task.input(head)));
    training::seed_libtorch(training::mix({options.seed, static_cast<std::uint64_t>(step)}));
    optimizer.zero_grad();
    plugin::guarded(task.task.site("forward and loss"), [&] {
      const Loss loss = head.loss(head.forward(encoded), *batch, LossDetail::kSum);
      if (loss.count > 0) (loss.sum / loss.count).backward();
    });
    optimizer.step();
  }
}

}  // namespace

std::vector<double> probe_layers(const ProbeTask& task, const model::Encoder& encoder, const ProbeOptions& options) {
  const auto tick = options.tick ? options.tick : [] {};
  evaluation::EvaluationOptions evaluating;
  std::vector<double> scores;
  std::optional<data::HiddenCache> train_states(std::in_place, task.train, encoder, 1, evaluating.batch_size, tick);
  std::optional<data::HiddenCache> states(std::in_place, task.set.store, encoder, 1, evaluating.batch_size, tick);
  for (std::int64_t layers = 0; layers <= encoder.config().num_hidden_layers; ++layers) {
    if (layers > 0) {
      train_states.emplace(train_states->continued(encoder, 1, tick));
      states.emplace(states->continued(encoder, 1, tick));
    }
    const auto head = task.make_head();
    train(task, *head, *train_states, options);
    evaluating.encode = [&](const Batch& batch, std::int64_t first) {
      return output_of(batch, states->pack_from(first, batch.size()), task.task.input(*head));
    };
    scores.push_back(evaluation::evaluate({task.task, *head, encoder}, task.set, evaluating, {}).primary().value);
  }
  return scores;
}

}  // namespace berth::analysis

// What a linear layer can read of a task from each of an encoder's layers (Alain & Bengio 2017, "Understanding
// intermediate layers using linear classifier probes"). The probe is the task's own head, made anew and trained on a
// layer's output while the encoder stays as it is; where the head reads the pooler, the probe reads the first token
// itself. Called by `berth analyze`.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/training/session.h"

namespace berth::analysis {

// Heads of more numbers are models of their own, a decoder say, and no probes.
constexpr std::int64_t kLargestProbe = 1'000'000;

struct ProbeOptions {
  std::int64_t epochs = 10;
  std::int64_t batch_size = 32;
  double rate = 1e-3;  // AdamW's, constant
  std::uint64_t seed = 42;
  std::function<void()> tick = nullptr;  // called before each batch; may throw to end it
};

// The primary score on `set` of a probe on the embeddings and on each layer, [1 + layers]. make_head: a fresh one each
// time. train: with targets; set: made with Keep::kExamples.
struct ProbeTask {
  const plugin::LoadedTask& task;
  std::function<std::shared_ptr<Head>()> make_head;
  const data::FeatureStore& train;
  const data::TaskData& set;
};
std::vector<double> probe_layers(const ProbeTask& task, const model::Encoder& encoder, const ProbeOptions& options);

}  // namespace berth::analysis

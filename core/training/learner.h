// A micro-batch's loss, with what [finetuning] and [tasks.NAME.debias] make of it, and its gradients.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "berth/loss.h"
#include "core/data/packed_batch.h"
#include "core/debias/debiasing.h"
#include "core/finetuning/consistency.h"
#include "core/model/encoder.h"
#include "core/training/hidden_caches.h"
#include "core/training/session.h"
#include "core/training/task_batches.h"

namespace berth::training {

class Learner {
 public:
  struct Work {
    std::size_t task;  // of the session
    const Batch& batch;
    const MicroBatch& features;    // the batch's
    std::uint64_t draw;            // of what is random in it
    model::BatchPart before = {};  // of the batch that this is a part of
  };

  // All outlive this. debiasing: of each task; null where its head's own loss is learned from.
  Learner(Session& session, const HiddenCaches& caches,
          const std::vector<std::unique_ptr<debias::Debiasing>>& debiasing);

  // What the micro-batch is learned by. Throws Error kConfig where [finetuning] needs probabilities that the head does
  // not give.
  Loss loss(const Work& work);

  // Adds the gradients of that loss, summed over its labels, to the parameters'. With finetuning.adversarial, also
  // those of the loss on embeddings that are moved against it.
  void learn(const Work& work, const Loss& loss);

 private:
  model::EncoderInput input_of(const Work& work) const;
  model::EncoderRun run_of(const Work& work) const;
  finetuning::Answer forward(const Work& work, const model::EncoderInput& input);
  at::Tensor roughness(const Work& work, model::EncoderInput input, const at::Tensor& log_p);
  void backward(std::size_t task, const Loss& loss);

  Session& session_;
  const HiddenCaches& caches_;
  const std::vector<std::unique_ptr<debias::Debiasing>>& debiasing_;
};

}  // namespace berth::training

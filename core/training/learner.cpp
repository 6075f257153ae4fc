#include "core/training/learner.h"

#include <ATen/TensorOperators.h>
#include <ATen/record_function.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/finetuning/adversary.h"
#include "core/plugin/guard.h"
#include "core/training/random.h"

namespace berth::training {

Learner::Learner(Session& session, const HiddenCaches& caches,
                 const std::vector<std::unique_ptr<debias::Debiasing>>& debiasing)
    : session_(session), caches_(caches), debiasing_(debiasing) {}

Loss Learner::loss(const Work& work) {
  const auto& config = session_.suite.finetuning;
  const auto input = input_of(work);
  auto begun = input;
  if (config.smart > 0) {
    begun.hidden = session_.encoder.first_hidden(input, run_of(work));
    begun.stages = std::max<std::int64_t>(1, input.stages);
  }
  const auto answer = forward(work, begun);
  Loss loss = answer.loss;
  if (config.r_drop > 0) {
    const Work again{work.task, work.batch, work.features, mix({work.draw, hash_name("r_drop")}), work.before};
    loss = finetuning::r_drop(answer, forward(again, input), config.r_drop);
  }
  if (config.smart > 0) loss.sum = loss.sum + config.smart * roughness(work, begun, answer.log_p);
  return loss;
}

void Learner::learn(const Work& work, const Loss& loss) {
  const double length = session_.suite.finetuning.adversarial;
  if (length == 0) {
    backward(work.task, loss);
    return;
  }
  const auto& table = session_.encoder.word_embeddings();
  const at::Tensor before = std::exchange(table.mutable_grad(), {});  // of other micro-batches
  backward(work.task, loss);
  if (const at::Tensor gradient = table.grad(); gradient.defined()) {
    const finetuning::MovedEmbeddings moved(table, gradient, length);
    const Work moved_work{work.task, work.batch, work.features, mix({work.draw, hash_name("adversarial")}),
                          work.before};
    backward(work.task, forward(moved_work, input_of(moved_work)).loss);
  }
  if (!before.defined()) return;
  const at::Tensor own = table.grad();
  if (!own.defined()) {
    table.mutable_grad() = before;
  } else {
    table.mutable_grad() = own.is_sparse() ? before + own : own + before;  // dense + sparse; not the other way round
  }
}

model::EncoderInput Learner::input_of(const Work& work) const {
  auto input = data::encoder_input(work.batch);
  if (const auto* cache = caches_.train(work.task)) {
    input.hidden = cache->pack(work.features);
    input.stages = cache->stages();
  }
  return input;
}

model::EncoderRun Learner::run_of(const Work& work) const {
  model::EncoderRun run;
  const auto& task = session_.tasks[work.task];
  run.input = task.task.input(*task.head);
  run.training = true;
  run.key = {stream_seed(session_.suite.training.seed, "dropout"), work.draw};
  run.before = work.before;
  return run;
}

finetuning::Answer Learner::forward(const Work& work, const model::EncoderInput& input) {
  auto& task = session_.tasks[work.task];
  const auto& config = session_.suite.finetuning;
  const bool is_compared = config.r_drop > 0 || config.smart > 0;
  const data::EncodedBatch encoded(work.batch, session_.encoder.forward(input, run_of(work)));
  // A head draws from one stream: processes that share a batch must not draw the same.
  const auto part = static_cast<std::uint64_t>(work.before.sequences);
  seed_libtorch(stream_seed(session_.suite.training.seed, "head", {part == 0 ? work.draw : mix({work.draw, part})}));
  RECORD_USER_SCOPE("berth: head and loss, forward");
  auto answer = plugin::guarded(task.task.site("forward and loss"), [&] {
    const auto outputs = task.head->forward(encoded);
    const auto& debiasing = debiasing_[work.task];
    finetuning::Answer result;
    result.loss = debiasing ? debiasing->loss(*task.head, {encoded, outputs, work.features})
                            : task.head->loss(outputs, work.batch, LossDetail::kSum);
    const auto& loss = result.loss;
    if (!loss.sum.defined() || loss.sum.numel() != 1 || !(loss.count >= 0)) {
      throw Error(ErrorKind::kPlugin, "the loss needs a sum of one element and a count of 0 or more");
    }
    if (is_compared) result.log_p = task.head->log_probabilities(outputs, work.batch);
    return result;
  });
  if (is_compared && !answer.log_p.defined()) {
    const bool is_r_drop = config.r_drop > 0;
    throw Error(ErrorKind::kConfig, is_r_drop ? config.r_drop_where : config.smart_where,
                fmt::format("[finetuning]: '{}' compares the probabilities that a head gives, but that of {} gives "
                            "none (Head::log_probabilities); take '{}' away, or the task",
                            is_r_drop ? "r_drop" : "smart", task.task.owner(), is_r_drop ? "r_drop" : "smart"));
  }
  return answer;
}

// SMART's term: how far the answer goes where the input is moved against it. The passes' dropout is the same, so that
// the move alone counts.
at::Tensor Learner::roughness(const Work& work, model::EncoderInput input, const at::Tensor& log_p) {
  const double radius = session_.suite.finetuning.smart_radius;
  const auto seed = stream_seed(session_.suite.training.seed, "smart", {work.draw});
  const at::Tensor own = input.hidden;
  const at::Tensor start = finetuning::smart_start(own, radius, seed);
  input.hidden = own.detach() + start;
  const at::Tensor divergence = finetuning::symmetric_divergence(log_p.detach(), forward(work, input).log_p).sum();
  const at::Tensor gradient = plugin::guarded(session_.tasks[work.task].task.site("backward"),
                                              [&] { return torch::autograd::grad({divergence}, {start}).front(); });
  input.hidden = own + finetuning::smart_ascent(start, gradient, radius);
  return finetuning::symmetric_divergence(log_p, forward(work, input).log_p).sum();
}

// Nothing to learn from gives no gradients, not ones of zero that AdamW would make steps of.
void Learner::backward(std::size_t task, const Loss& loss) {
  if (loss.count <= 0 || !loss.sum.requires_grad()) return;
  plugin::guarded(session_.tasks[task].task.site("backward"), [&] { loss.sum.backward(); });
}

}  // namespace berth::training

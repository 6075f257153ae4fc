// What a task puts on top of the encoder: an ordinary torch::nn::Module. Its parameters are trained, saved and loaded
// by the host.
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>

#include "berth/batch.h"
#include "berth/loss.h"
#include "berth/version.h"

namespace berth {
inline namespace v1 {

// Named tensors, on any device. The first dimension is the batch's sequences (B) or its tokens (N), or anything else of
// what decode() takes as a whole.
using Outputs = std::map<std::string, at::Tensor, std::less<>>;

// What a head can know of the encoder when it is made.
struct EncoderInfo {
  std::int64_t hidden_size = 0;
  std::int64_t layers = 0;
  std::int64_t vocabulary_size = 0;
  std::int64_t max_positions = 0;
  double dropout = 0;               // the encoder's hidden dropout, which heads use by default
  double initializer_range = 0.02;  // standard deviation for new weights
  // [vocabulary_size, hidden_size], the encoder's own parameter, for heads that tie an output layer to it. Trained,
  // saved and loaded with the encoder: a head keeps the tensor, but does not register it as a parameter of its own. To
  // be read with gradients: without, rows that training has not met yet may lack the weight decay of some steps.
  // Where it will stay: the host does not move it.
  at::Tensor word_embeddings = {};
  const Additions* more = nullptr;  // valid during the call
};

// Made on the CPU in float32; the host then moves and converts parameters and buffers (those of real numbers), nothing
// else: make a constant fit where it is used, with `.to(x.options())`. What Encoded gives, kReal fields and parameters
// are of one type, float32 or float64; forward() and loss() never run under autocast.
//
// Calls come from one thread at a time. Before forward() and the calls that go with it, and before predict(), the host
// seeds LibTorch's default generator from (seed, task, step, micro-batch), so that dropout and sampling in a head
// repeat exactly. A batch may go through forward() several times in a step (R-Drop, adversarial training). Nothing may
// be remembered from one call to the next but in parameters and buffers, which are saved; a checkpoint without one of
// them is refused. Module::train() / eval() is the host's.
class BERTH_VISIBLE Head : public torch::nn::Module {
 public:
  virtual HeadInput input() const = 0;  // the same at every call

  // Unless predict() is overridden it is called without targets, too, and must not read them then.
  virtual Outputs forward(const Encoded& encoded) = 0;

  // outputs: what forward() returned for this batch. The batch has all declared fields.
  virtual Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) = 0;

  // Without autograd. Generation does its whole search here.
  virtual Outputs predict(const Encoded& encoded) { return forward(encoded); }

  // [K, classes], one row a counted label in the order of Loss::values; undefined where the head has none. Debiasing,
  // R-Drop and lists of worst errors need this and targets(), nothing else.
  virtual at::Tensor log_probabilities(const Outputs& outputs, const Batch& batch) {
    (void)outputs;
    (void)batch;
    return {};
  }

  // [K] int64, the right class of each of these rows: a column of log_probabilities(). Undefined where the head has
  // none. Of the batch alone, so that a cheap model can learn the classes without the encoder.
  virtual at::Tensor targets(const Batch& batch) {
    (void)batch;
    return {};
  }
};

}  // namespace v1
}  // namespace berth

// A training step of the encoder under a head that picks one of two classes, for programs that measure it.
#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/checkpoint/model_folder.h"
#include "core/training/adamw.h"

namespace berth::bench {

// Random words in sequences of these lengths.
inline model::EncoderInput random_input(const std::vector<std::int64_t>& lengths) {
  const auto longs = at::TensorOptions().dtype(at::kLong);
  std::vector<std::int64_t> offsets = {0}, positions;
  for (const auto length : lengths) {
    offsets.push_back(offsets.back() + length);
    for (std::int64_t i = 0; i < length; ++i) positions.push_back(i);
  }
  model::EncoderInput input;
  input.ids = at::randint(1000, 20000, {offsets.back()}, longs);
  input.segments = at::zeros({offsets.back()}, longs);
  input.positions = at::tensor(positions, longs);
  input.offsets = at::tensor(offsets, longs);
  return input;
}

class Step {
 public:
  // read: what the head reads of the last layer.
  Step(const model::Encoder& encoder, HeadInput read)
      : encoder_(encoder),
        read_(read),
        head_(at::randn({2, encoder.config().hidden_size}).mul_(0.02)),
        plan_(training::make_plan(encoder, read == HeadInput::kPooled, {{"bench", {}, {{"weight", head_}}}}, config_)),
        optimizer_(plan_, config_, encoder.word_embeddings()) {}

  const training::ParameterPlan& plan() const { return plan_; }
  const at::Tensor& head() const { return head_; }  // [2, width]

  // Forward and backward of everything, but no update.
  void gradients(const model::EncoderInput& input) {
    optimizer_.read_rows(input.ids);
    const auto output = encoder_.forward(input, {read_, true, {1, draw_++}});
    const auto& read = output.pooled.defined() ? output.pooled : output.first;
    const at::Tensor labels = at::arange(read.size(0), input.ids.options()).remainder(2);
    at::cross_entropy_loss(at::linear(read, head_), labels).backward();
  }

  void update() { optimizer_.step(1, 1, {1}); }

  void train(const model::EncoderInput& input) {
    gradients(input);
    update();
  }

  void infer(const model::EncoderInput& input) const {
    const at::NoGradGuard no_grad;
    encoder_.forward(input, {read_, false, {}});
  }

 private:
  const model::Encoder& encoder_;
  HeadInput read_;
  suite::OptimizerConfig config_;
  at::Tensor head_;
  training::ParameterPlan plan_;
  training::AdamW optimizer_;
  std::uint64_t draw_ = 0;
};

template <typename F>
double milliseconds(const F& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace berth::bench

// The small modules that the decoder is made of.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace berth::seq2seq {

enum class Bias : std::uint8_t { kNone, kZeros };

// "weight" [outputs, inputs], drawn from normal(0, sqrt(2 / (inputs + outputs))) (Glorot and Bengio 2010), and "bias"
// [outputs]. BERT's deviation of 0.02 is for a width of 768: with it, what a narrow new decoder takes from the encoder
// is too faint to be learned from.
class Linear : public torch::nn::Module {
 public:
  struct Shape {
    std::int64_t inputs = 0;
    std::int64_t outputs = 0;
  };

  explicit Linear(const Shape& shape, Bias bias = Bias::kZeros);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
};

// "weight" and "bias" [width], over the last dimension; epsilon 1e-12 as in BERT.
class LayerNorm : public torch::nn::Module {
 public:
  explicit LayerNorm(std::int64_t width);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

// "weight" [rows, width], drawn from normal(0, deviation).
class Embedding : public torch::nn::Module {
 public:
  struct Shape {
    std::int64_t rows = 0;
    std::int64_t width = 0;
    double deviation = 0.02;
  };

  explicit Embedding(const Shape& shape);

  const at::Tensor& weight() const { return weight_; }

 private:
  at::Tensor weight_;
};

}  // namespace berth::seq2seq

#include "layers.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace berth::seq2seq {
namespace {

at::Tensor normal(at::IntArrayRef shape, double deviation) {
  const at::NoGradGuard no_grad;
  return at::empty(shape).normal_(0, deviation);
}

}  // namespace

Linear::Linear(const Shape& shape, Bias bias) : Module("Linear") {
  const double deviation = std::sqrt(2.0 / static_cast<double>(shape.inputs + shape.outputs));
  weight_ = register_parameter("weight", normal({shape.outputs, shape.inputs}, deviation));
  if (bias == Bias::kZeros) bias_ = register_parameter("bias", at::zeros({shape.outputs}));
}

at::Tensor Linear::operator()(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

LayerNorm::LayerNorm(std::int64_t width) : Module("LayerNorm") {
  weight_ = register_parameter("weight", at::ones({width}));
  bias_ = register_parameter("bias", at::zeros({width}));
}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {weight_.size(0)}, weight_, bias_, 1e-12);
}

Embedding::Embedding(const Shape& shape) : Module("Embedding") {
  weight_ = register_parameter("weight", normal({shape.rows, shape.width}, shape.deviation));
}

}  // namespace berth::seq2seq

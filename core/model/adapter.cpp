#include "core/model/adapter.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/record_function.h>

namespace berth::model {

at::Tensor adapter(const at::Tensor& hidden, const AdapterWeights& weights, double epsilon) {
  RECORD_USER_SCOPE("berth: adapter, forward");
  const at::Tensor normal = at::layer_norm(hidden, {hidden.size(1)}, weights.norm_scale, weights.norm_shift, epsilon);
  const at::Tensor inner = at::relu(at::linear(normal, weights.down_weight, weights.down_bias));
  return hidden + at::linear(inner, weights.up_weight, weights.up_bias);
}

}  // namespace berth::model

#include "core/debias/gate.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>

#include "core/training/random.h"

namespace berth::debias {

Gate::Gate(std::int64_t width, double deviation, std::uint64_t seed, at::ScalarType dtype)
    : weight(at::empty({1, width}, dtype)), bias(at::zeros({1}, dtype)) {
  training::seed_libtorch(seed);
  weight.normal_(0, deviation);
}

at::Tensor Gate::operator()(const at::Tensor& hidden) const {
  return at::softplus(at::linear(hidden, weight, bias)).squeeze(1);
}

}  // namespace berth::debias

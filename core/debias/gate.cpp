#include "core/debias/gate.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>

#include "core/training/random.h"

namespace berth::debias {

Gate::Gate(std::int64_t width, double deviation, std::uint64_t seed, const at::TensorOptions& options)
    : bias(at::zeros({1}, options)) {
  training::seed_libtorch(seed);  // and drawn on the processor: the same values on any device
  weight = at::empty({1, width}, options.device(at::kCPU)).normal_(0, deviation).to(options.device());
}

at::Tensor Gate::operator()(const at::Tensor& hidden) const {
  return at::softplus(at::linear(hidden, weight, bias)).squeeze(1);
}

}  // namespace berth::debias

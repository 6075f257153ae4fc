#include "core/model/products.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace berth::model {
namespace {

bool is_low(const at::Tensor& operand) { return operand.scalar_type() == at::kBFloat16; }

// The least of some tries: what the machine can do where nothing comes between. A first one that takes longer than
// `limit` is enough: no more can come of it.
double seconds_of_product(const at::Tensor& a, const at::Tensor& b, Products products, double limit) {
  constexpr int kTries = 6;  // the first one sets up
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const at::Tensor c = product(operand(a, products), operand(b, products));
    if (!c.is_cpu()) c[0][0].item();  // waits for the device
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (least > limit) break;
  }
  return least;
}

}  // namespace

at::Tensor operand(const at::Tensor& tensor, Products products) {
  return products == Products::kBFloat16 ? tensor.to(at::kBFloat16) : tensor;
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b) {
  return is_low(a) ? at::mm(a, b).to(at::kFloat) : at::mm(a, b);
}

at::Tensor product_plus(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  return is_low(a) ? at::add(at::mm(a, b), bias) : at::addmm(bias, a, b);
}

void add_product(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
  if (is_low(a)) {
    sum.add_(at::mm(a, b));
  } else {
    sum.addmm_(a, b);
  }
}

double bfloat16_gain(at::Device device) {
  const at::NoGradGuard no_grad;
  // A GPU does a product of a processor's size in less time than it takes to ask for it.
  const std::int64_t times = device.is_cpu() ? 1 : 8;
  const std::int64_t rows = 512 * times;
  const std::int64_t width = 384 * times;
  const auto options = at::TensorOptions().device(device);
  const at::Tensor a = at::ones({rows, width}, options);
  const at::Tensor b = at::ones({width, 2 * width}, options);
  constexpr double kSetUp = 0.05;  // seconds that a first call may take besides
  const double own = seconds_of_product(a, b, Products::kOwnType, std::numeric_limits<double>::infinity());
  return own / seconds_of_product(a, b, Products::kBFloat16, own + kSetUp);
}

}  // namespace berth::model

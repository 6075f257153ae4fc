// The encoder's matrix products: in the tensors' own type, or with bfloat16 operands, which is what torch's autocast
// does: factors and result rounded to bfloat16, summed in float32. All else stays as it is. Processors with AVX512-BF16
// or AMX do those twice as fast and more.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace berth::model {

enum class Products : std::uint8_t { kOwnType, kBFloat16 };

// A tensor as product() reads it; worth keeping where it is read more than once.
at::Tensor operand(const at::Tensor& tensor, Products products);

// a: [m, k], b: [k, n], both operands. The results are float32 where the operands are bfloat16.
at::Tensor product(const at::Tensor& a, const at::Tensor& b);
at::Tensor product_plus(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias);  // [n], of its own type
void add_product(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b);

// How many times as fast products of an encoder's size are with bfloat16 operands, roundings included, on this device
// with the threads as they are: measured, in some hundredths of a second. Below 1 where it has no instructions for
// them.
double bfloat16_gain(at::Device device);

}  // namespace berth::model

// What lies between a layer's matrix products, each in one pass over memory; compiled for several instruction sets. All
// matrices are [rows, width], contiguous.
#pragma once

#include <cstdint>

namespace berth::model {

struct Extent {
  std::int64_t rows = 0;
  std::int64_t width = 0;
};

// out = GELU(in + bias), by the normal distribution function (Hendrycks & Gimpel 2016). out may be in.
template <typename T>
void bias_gelu(const Extent& extent, const T* in, const T* bias, T* out);

// gradient, that of GELU(in + bias), becomes that of in. Its sums over the rows are added to bias_gradient, and out is
// GELU(in + bias) once more, which costs less here than to have kept it.
template <typename T>
struct GeluBackward {
  const T *in, *bias;
  T *out, *gradient, *bias_gradient;
};
template <typename T>
void bias_gelu_backward(const Extent& extent, const GeluBackward<T>& run);

// out = LayerNorm(residual + dropout(in + bias)), with LayerNorm(x) = normal * scale + shift and
// normal = (x - mean) * inverse_deviation.
template <typename T>
struct ResidualNormForward {
  const T *in, *bias, *residual, *scale, *shift;
  const std::uint8_t* mask;  // null: nothing is dropped
  T kept_factor;             // of what the mask keeps
  T epsilon;                 // added to the variance
  T* out;                    // may be in
  T* normal;                 // null: not wanted
  T* inverse_deviation;      // [rows]
};
template <typename T>
void residual_norm(const Extent& extent, const ResidualNormForward<T>& run);

template <typename T>
struct ResidualNormBackward {
  const T *gradient, *normal, *inverse_deviation, *scale;
  const std::uint8_t* mask;
  T kept_factor;
  T* residual;                                // its gradient
  T* in;                                      // its gradient; null where nothing is dropped: that of residual
  T *bias, *scale_gradient, *shift_gradient;  // [width], added to
};
template <typename T>
void residual_norm_backward(const Extent& extent, const ResidualNormBackward<T>& run);

}  // namespace berth::model

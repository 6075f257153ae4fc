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
  const T *in, *bias, *residual, *scale, *shift;  // bias, residual null: not added
  const std::uint8_t* mask;                       // null: nothing is dropped
  T kept_factor;                                  // of what the mask keeps
  T epsilon;                                      // added to the variance
  T* out;                                         // may be in
  T* normal;                                      // null: not wanted
  T* inverse_deviation;                           // [rows]
};
template <typename T>
void residual_norm(const Extent& extent, const ResidualNormForward<T>& run);

template <typename T>
struct ResidualNormBackward {
  const T *gradient, *normal, *inverse_deviation, *scale;
  const std::uint8_t* mask;
  T kept_factor;
  T* residual;                                // its gradient; may be `gradient`
  T* in;                                      // its gradient; null where nothing is dropped: that of residual
  T *bias, *scale_gradient, *shift_gradient;  // [width], added to; bias null: not wanted
};
template <typename T>
void residual_norm_backward(const Extent& extent, const ResidualNormBackward<T>& run);

// out = words[ids] + segments[segment_ids] + positions[position_ids], row by row; the tables have extent.width columns.
template <typename T>
struct EmbeddingSum {
  const T *words, *segments, *positions;
  const std::int64_t *ids, *segment_ids, *position_ids;  // [rows]
  T* out;
};
template <typename T>
void embedding_sum(const Extent& extent, const EmbeddingSum<T>& run);

// out = in * mask * kept_factor, one byte a number. out may be in.
template <typename T>
struct Masked {
  const T* in;
  const std::uint8_t* mask;
  T kept_factor;
  T* out;
};
template <typename T>
void apply_mask(const Extent& extent, const Masked<T>& run);

}  // namespace berth::model

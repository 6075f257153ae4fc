#include "core/model/layer_kernels.h"

#include <cmath>

#include "core/model/simd.h"

namespace berth::model {
namespace {

// Of a standard normal X: P(X <= x), and exp(-x^2 / 2), its density but for the factor. float: with a = |x|, the tail
// P(X > a) is exp(-a^2 / 2) times a rational function of a, a minimax fit on [0, 13.3] by iterated least squares, off
// by at most 6.5e-10 before rounding; 1.4e-7 with it.
template <typename S, typename V = typename S::Vector>
BERTH_INLINE inline void normal(const V& x, V& distribution, V& density) {
  density = x * x * static_cast<typename S::T>(-0.5);
  S::exponential(density);
  if constexpr (sizeof(typename S::T) == sizeof(double)) {
    for (int lane = 0; lane < S::kLanes; ++lane) {
      distribution[lane] = 0.5 * std::erfc(-0.70710678118654752440 * x[lane]);
    }
  } else {
    constexpr float kAbove[] = {0.5F, 0.306638211F, 0.0904357135F, 0.0107018901F};
    constexpr float kBelow[] = {1.0F, 1.41116083F, 0.806816936F, 0.225519374F, 0.0268818457F};
    V a = x < 0 ? -x : x;
    a = a > 14 ? V{} + 14.0F : a;  // beyond, the tail is 0 however it is computed; NaN stays
    V above = V{} + kAbove[3];
    V below = V{} + kBelow[4];
#pragma GCC unroll 3
    for (int i = 2; i >= 0; --i) above = above * a + kAbove[i];
#pragma GCC unroll 4
    for (int i = 3; i >= 0; --i) below = below * a + kBelow[i];
    const V tail = density * above / below;
    distribution = x > 0 ? 1 - tail : tail;
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void gelu_body(const Extent& extent, const T* in, const T* bias, T* out) {
  using Vector = typename S::Vector;
  for (std::int64_t row = 0; row < extent.rows; ++row) {
    const T* from = in + row * extent.width;
    T* to = out + row * extent.width;
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector x;
      Vector b;
      S::load(x, from + j, count);
      S::load(b, bias + j, count);
      x += b;
      Vector distribution;
      Vector density;
      normal<S>(x, distribution, density);
      S::store(to + j, x * distribution, count);
    });
  }
}

// GELU'(x) = distribution(x) + x density(x).
template <typename S, typename T = typename S::T>
BERTH_INLINE inline void gelu_backward_body(const Extent& extent, const GeluBackward<T>& r) {
  using Vector = typename S::Vector;
  const GeluBackward<T> run = r;
  for (std::int64_t row = 0; row < extent.rows; ++row) {
    const std::int64_t start = row * extent.width;
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector x;
      Vector b;
      Vector gradient;
      Vector sum;
      S::load(x, run.in + start + j, count);
      S::load(b, run.bias + j, count);
      S::load(gradient, run.gradient + start + j, count);
      S::load(sum, run.bias_gradient + j, count);
      x += b;
      Vector distribution;
      Vector density;
      normal<S>(x, distribution, density);
      gradient *= distribution + x * density * static_cast<T>(0.39894228040143267794);  // 1 / sqrt(2 pi)
      S::store(run.out + start + j, x * distribution, count);
      S::store(run.gradient + start + j, gradient, count);
      S::store(run.bias_gradient + j, sum + gradient, count);
    });
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void norm_body(const Extent& extent, const ResidualNormForward<T>& r) {
  using Vector = typename S::Vector;
  const ResidualNormForward<T> run = r;
  const auto width = static_cast<T>(extent.width);
  for (std::int64_t row = 0; row < extent.rows; ++row) {
    const std::int64_t start = row * extent.width;
    T* out = run.out + start;
    Vector total = {};
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector x;
      S::load(x, run.in + start + j, count);
      if (run.bias != nullptr) {
        Vector b;
        S::load(b, run.bias + j, count);
        x += b;
      }
      if (run.mask != nullptr) {
        Vector factor;
        S::load_mask(factor, run.mask + start + j, count, run.kept_factor);
        x *= factor;
      }
      if (run.residual != nullptr) {
        Vector residual;
        S::load(residual, run.residual + start + j, count);
        x += residual;
      }
      total += x;
      S::store(out + j, x, count);
    });
    const T mean = S::sum(total) / width;
    total = Vector{};
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector x;
      S::load(x, out + j, count);
      x -= mean;
      // Lanes beyond the row hold -mean: a store and a load make them zero again.
      S::store(out + j, x, count);
      S::load(x, out + j, count);
      total += x * x;
    });
    const T inverse = T{1} / std::sqrt(S::sum(total) / width + run.epsilon);
    run.inverse_deviation[row] = inverse;
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector x;
      Vector scale;
      Vector shift;
      S::load(x, out + j, count);
      S::load(scale, run.scale + j, count);
      S::load(shift, run.shift + j, count);
      x *= inverse;
      if (run.normal != nullptr) S::store(run.normal + start + j, x, count);
      S::store(out + j, x * scale + shift, count);
    });
  }
}

// With s the scaled gradient, n the normal values and <> a row's mean: dx = inverse_deviation (s - <s> - n <s n>).
template <typename S, typename T = typename S::T>
BERTH_INLINE inline void norm_backward_body(const Extent& extent, const ResidualNormBackward<T>& r) {
  using Vector = typename S::Vector;
  const ResidualNormBackward<T> run = r;
  const auto width = static_cast<T>(extent.width);
  for (std::int64_t row = 0; row < extent.rows; ++row) {
    const std::int64_t start = row * extent.width;
    const T* in = run.gradient + start;
    Vector total = {};
    Vector along = {};
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector gradient;
      Vector normal;
      Vector scale;
      S::load(gradient, in + j, count);
      S::load(normal, run.normal + start + j, count);
      S::load(scale, run.scale + j, count);
      const Vector scaled = gradient * scale;
      total += scaled;
      along += scaled * normal;
    });
    const T mean = S::sum(total) / width;
    const T slope = S::sum(along) / width;
    const T inverse = run.inverse_deviation[row];
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector gradient;
      Vector normal;
      Vector scale;
      Vector sum;
      S::load(gradient, in + j, count);
      S::load(normal, run.normal + start + j, count);
      S::load(scale, run.scale + j, count);
      S::load(sum, run.scale_gradient + j, count);
      S::store(run.scale_gradient + j, sum + gradient * normal, count);
      S::load(sum, run.shift_gradient + j, count);
      S::store(run.shift_gradient + j, sum + gradient, count);
      Vector x = (gradient * scale - mean - normal * slope) * inverse;
      S::store(run.residual + start + j, x, count);
      if (run.mask != nullptr) {
        Vector factor;
        S::load_mask(factor, run.mask + start + j, count, run.kept_factor);
        x *= factor;
      }
      if (run.in != nullptr) S::store(run.in + start + j, x, count);
      if (run.bias == nullptr) return;
      S::load(sum, run.bias + j, count);
      S::store(run.bias + j, sum + x, count);
    });
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void embedding_sum_body(const Extent& extent, const EmbeddingSum<T>& r) {
  using Vector = typename S::Vector;
  const EmbeddingSum<T> run = r;
  for (std::int64_t row = 0; row < extent.rows; ++row) {
    const T* word = run.words + run.ids[row] * extent.width;
    const T* segment = run.segments + run.segment_ids[row] * extent.width;
    const T* position = run.positions + run.position_ids[row] * extent.width;
    T* out = run.out + row * extent.width;
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      Vector x;
      Vector other;
      S::load(x, word + j, count);
      S::load(other, segment + j, count);
      x += other;
      S::load(other, position + j, count);
      S::store(out + j, x + other, count);
    });
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void mask_body(const Extent& extent, const Masked<T>& r) {
  const Masked<T> run = r;
  S::for_row(extent.rows * extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
    typename S::Vector x;
    typename S::Vector factor;
    S::load(x, run.in + j, count);
    S::load_mask(factor, run.mask + j, count, run.kept_factor);
    S::store(run.out + j, x * factor, count);
  });
}

}  // namespace

template <typename T>
void bias_gelu(const Extent& extent, const T* in, const T* bias, T* out) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { gelu_body<decltype(simd)>(extent, in, bias, out); });
}

template <typename T>
void bias_gelu_backward(const Extent& extent, const GeluBackward<T>& run) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { gelu_backward_body<decltype(simd)>(extent, run); });
}

template <typename T>
void residual_norm(const Extent& extent, const ResidualNormForward<T>& run) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { norm_body<decltype(simd)>(extent, run); });
}

template <typename T>
void residual_norm_backward(const Extent& extent, const ResidualNormBackward<T>& run) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { norm_backward_body<decltype(simd)>(extent, run); });
}

template <typename T>
void embedding_sum(const Extent& extent, const EmbeddingSum<T>& run) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { embedding_sum_body<decltype(simd)>(extent, run); });
}

template <typename T>
void apply_mask(const Extent& extent, const Masked<T>& run) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { mask_body<decltype(simd)>(extent, run); });
}

template void bias_gelu(const Extent&, const float*, const float*, float*);
template void bias_gelu_backward(const Extent&, const GeluBackward<float>&);
template void residual_norm(const Extent&, const ResidualNormForward<float>&);
template void residual_norm_backward(const Extent&, const ResidualNormBackward<float>&);
template void embedding_sum(const Extent&, const EmbeddingSum<float>&);
template void apply_mask(const Extent&, const Masked<float>&);
template void bias_gelu(const Extent&, const double*, const double*, double*);
template void bias_gelu_backward(const Extent&, const GeluBackward<double>&);
template void residual_norm(const Extent&, const ResidualNormForward<double>&);
template void residual_norm_backward(const Extent&, const ResidualNormBackward<double>&);
template void embedding_sum(const Extent&, const EmbeddingSum<double>&);
template void apply_mask(const Extent&, const Masked<double>&);

}  // namespace berth::model

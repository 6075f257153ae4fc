#include "core/model/vector_kernels.h"

#include <algorithm>

#include "core/model/clones.h"

// Written with the compilers' vector types, 64 bytes wide: the compiler splits them where registers are narrower. Each
// body is a template that is forced inline into its clones.
#define BERTH_BODY      \
  template <typename T> \
  [[gnu::always_inline]] inline void
#define BERTH_KERNEL BERTH_CLONES("arch=x86-64-v4", "arch=x86-64-v3") void

namespace berth::model {
namespace {

template <typename T>
struct Wide;

template <>
struct Wide<float> {
  typedef float Vector __attribute__((vector_size(64), may_alias));
  typedef std::int32_t Bits __attribute__((vector_size(64)));
  static constexpr float kLowest = -87.0F;  // exp of less is not a normal number
  static constexpr float kRounder = 0x1.8p23F;
  static constexpr float kLog2High = 0.693359375F;
  static constexpr float kLog2Low = -2.12194440e-4F;
  static constexpr int kTerms = 8;
  static constexpr int kExponentShift = 23;
  static constexpr std::int32_t kOne = 0x3F800000;
};

template <>
struct Wide<double> {
  typedef double Vector __attribute__((vector_size(64), may_alias));
  typedef std::int64_t Bits __attribute__((vector_size(64)));
  static constexpr double kLowest = -708.0;
  static constexpr double kRounder = 0x1.8p52;
  static constexpr double kLog2High = 6.93147180369123816490e-01;
  static constexpr double kLog2Low = 1.90821492927058770002e-10;
  static constexpr int kTerms = 14;
  static constexpr int kExponentShift = 52;
  static constexpr std::int64_t kOne = 0x3FF0000000000000;
};

template <typename T>
using Vector = typename Wide<T>::Vector;
template <typename T>
constexpr std::int64_t kLanes = 64 / static_cast<std::int64_t>(sizeof(T));

template <typename T>
[[gnu::always_inline]] inline Vector<T>& at(T* data) {
  return *reinterpret_cast<Vector<T>*>(data);
}
template <typename T>
[[gnu::always_inline]] inline const Vector<T>& at(const T* data) {
  return *reinterpret_cast<const Vector<T>*>(data);
}

// exp(x) for x <= 0, to about one unit in the last place: x = n log 2 + r, exp(r) by its series, 2^n by the exponent's
// bits. Stays NaN for NaN.
BERTH_BODY exponential(Vector<T>& x) {
  using W = Wide<T>;
  const Vector<T> lowest = Vector<T>{} + W::kLowest;
  x = x < lowest ? lowest : x;
  const Vector<T> shifted = x * static_cast<T>(1.44269504088896340736) + W::kRounder;
  const Vector<T> n = shifted - W::kRounder;
  const Vector<T> r = (x - n * W::kLog2High) - n * W::kLog2Low;
  Vector<T> series = Vector<T>{} + T{1};
#pragma GCC unroll 16
  for (int term = W::kTerms - 1; term > 0; --term) series = series * (r * (T{1} / static_cast<T>(term))) + T{1};
  typename W::Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof(bits));
  bits = (bits << W::kExponentShift) + W::kOne;
  Vector<T> power;
  __builtin_memcpy(&power, &bits, sizeof(power));
  x = series * power;
}

// `Rows` rows of the product, one vector of columns.
template <int Rows, typename T>
[[gnu::always_inline]] inline void multiply_block(const Product<T>& p, std::int64_t row, std::int64_t column) {
  const T* left[Rows];
  Vector<T> sum[Rows];
#pragma GCC unroll 8
  for (int i = 0; i < Rows; ++i) {
    left[i] = p.left.data + (row + i) * p.left.row;
    if (p.add) {
      sum[i] = at(p.out + (row + i) * p.columns + column);
    } else {
      sum[i] = Vector<T>{};
    }
  }
  const T* right = p.right + column;
  std::int64_t offset = 0;
  for (std::int64_t k = 0; k < p.depth; ++k) {
    const Vector<T> factor = at(right);
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i) sum[i] += left[i][offset] * factor;
    right += p.columns;
    offset += p.left.column;
  }
#pragma GCC unroll 8
  for (int i = 0; i < Rows; ++i) at(p.out + (row + i) * p.columns + column) = sum[i];
}

BERTH_BODY multiply_body(const Product<T>& product) {
  constexpr int kRows = 6;  // with these and the factor, the 16 registers of AVX2 do not spill
  const Product<T> p = product;
  for (std::int64_t column = 0; column < p.columns; column += kLanes<T>) {
    std::int64_t row = 0;
    for (; row + kRows <= p.rows; row += kRows) multiply_block<kRows>(p, row, column);
    for (; row + 2 <= p.rows; row += 2) multiply_block<2>(p, row, column);
    if (row < p.rows) multiply_block<1>(p, row, column);
  }
}

template <typename T>
[[gnu::always_inline]] inline T row_maximum(const T* row, std::int64_t width) {
  Vector<T> maximum = at(row);
  for (std::int64_t j = 0; j < width; j += kLanes<T>) maximum = at(row + j) > maximum ? at(row + j) : maximum;
  T result = maximum[0];
  for (int lane = 1; lane < kLanes<T>; ++lane) result = std::max(result, static_cast<T>(maximum[lane]));
  return result;
}

template <typename T>
[[gnu::always_inline]] inline T row_sum(const T* row, std::int64_t width) {
  Vector<T> sum = {};
  for (std::int64_t j = 0; j < width; j += kLanes<T>) sum += at(row + j);
  T result = 0;
  for (int lane = 0; lane < kLanes<T>; ++lane) result += sum[lane];
  return result;
}

BERTH_BODY softmax_body(const Tile& tile, T scale, bool known, T* scores, T* maximum, T* inverse_sum) {
  const std::int64_t width = padded(tile.keys);
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    T* row = scores + i * width;
    std::fill(row + tile.keys, row + width, row[0]);  // no influence on the maximum
    if (!known) maximum[i] = row_maximum(row, width);
    for (std::int64_t j = 0; j < width; j += kLanes<T>) {
      Vector<T> x = (at(row + j) - maximum[i]) * scale;
      exponential<T>(x);
      at(row + j) = x;
    }
    std::fill(row + tile.keys, row + width, T{0});
    if (!known) inverse_sum[i] = T{1} / row_sum(row, width);
    for (std::int64_t j = 0; j < width; j += kLanes<T>) at(row + j) *= inverse_sum[i];
  }
}

BERTH_BODY mask_body(const Tile& tile, const std::uint8_t* __restrict mask, T factor, T* __restrict values) {
  const std::int64_t count = tile.rows * padded(tile.keys);
  for (std::int64_t i = 0; i < count; ++i) values[i] *= mask[i] != 0 ? factor : T{0};
}

BERTH_BODY softmax_backward_body(const Tile& tile, T scale, const T* probabilities, const T* means, T* gradients) {
  const std::int64_t width = padded(tile.keys);
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    for (std::int64_t j = i * width; j < (i + 1) * width; j += kLanes<T>) {
      at(gradients + j) = at(probabilities + j) * (at(gradients + j) - means[i]) * scale;
    }
  }
}

}  // namespace

BERTH_KERNEL multiply(const Product<float>& p) { multiply_body(p); }
BERTH_KERNEL multiply(const Product<double>& p) { multiply_body(p); }

BERTH_KERNEL softmax_rows(const Tile& tile, float scale, bool known, float* scores, float* maximum, float* sum) {
  softmax_body(tile, scale, known, scores, maximum, sum);
}
BERTH_KERNEL softmax_rows(const Tile& tile, double scale, bool known, double* scores, double* maximum, double* sum) {
  softmax_body(tile, scale, known, scores, maximum, sum);
}

BERTH_KERNEL mask_rows(const Tile& tile, const std::uint8_t* mask, float factor, float* values) {
  mask_body(tile, mask, factor, values);
}
BERTH_KERNEL mask_rows(const Tile& tile, const std::uint8_t* mask, double factor, double* values) {
  mask_body(tile, mask, factor, values);
}

BERTH_KERNEL softmax_backward_rows(const Tile& tile, float scale, const float* probabilities, const float* means,
                                   float* gradients) {
  softmax_backward_body(tile, scale, probabilities, means, gradients);
}
BERTH_KERNEL softmax_backward_rows(const Tile& tile, double scale, const double* probabilities, const double* means,
                                   double* gradients) {
  softmax_backward_body(tile, scale, probabilities, means, gradients);
}

}  // namespace berth::model

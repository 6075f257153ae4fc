#include "core/model/vector_kernels.h"

#include <algorithm>

#include "core/model/simd.h"

namespace berth::model {
namespace {

// `Rows` rows of the product, 64 bytes of columns.
template <int Rows, typename S, typename T = typename S::T>
BERTH_INLINE inline void multiply_block(const Product<T>& p, std::int64_t row, std::int64_t column) {
  constexpr int kVectors = 64 / S::kBytes;
  const T* left[Rows];
  typename S::Vector sum[Rows][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < Rows; ++i) {
    left[i] = p.left.data + (row + i) * p.left.row;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      if (p.add) {
        sum[i][v] = S::at(p.out + (row + i) * p.columns + column + v * S::kLanes);
      } else {
        sum[i][v] = typename S::Vector{};
      }
    }
  }
  const T* right = p.right + column;
  std::int64_t offset = 0;
  for (std::int64_t k = 0; k < p.depth; ++k) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const typename S::Vector factor = S::at(right + v * S::kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < Rows; ++i) sum[i][v] += left[i][offset] * factor;
    }
    right += p.columns;
    offset += p.left.column;
  }
#pragma GCC unroll 8
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) S::at(p.out + (row + i) * p.columns + column + v * S::kLanes) = sum[i][v];
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void multiply_body(const Product<T>& product) {
  // With these and the factors, the 16 registers of AVX2 do not spill; 16-byte registers need four times as many a row.
  // AVX-512 has registers enough for as many sums as keep two units of multiply-adds busy, four cycles each.
  constexpr int kRows = S::kBytes < 32 ? 2 : S::kBytes < 64 ? 6 : 8;
  const Product<T> p = product;
  for (std::int64_t column = 0; column < p.columns; column += 64 / static_cast<std::int64_t>(sizeof(T))) {
    std::int64_t row = 0;
    for (; row + kRows <= p.rows; row += kRows) multiply_block<kRows, S>(p, row, column);
    for (; row + 2 <= p.rows; row += 2) multiply_block<2, S>(p, row, column);
    if (row < p.rows) multiply_block<1, S>(p, row, column);
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline T row_maximum(const T* row, std::int64_t width) {
  typename S::Vector maximum = S::at(row);
  for (std::int64_t j = 0; j < width; j += S::kLanes) maximum = S::at(row + j) > maximum ? S::at(row + j) : maximum;
  T result = maximum[0];
  for (int lane = 1; lane < S::kLanes; ++lane) result = std::max(result, static_cast<T>(maximum[lane]));
  return result;
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline T row_sum(const T* row, std::int64_t width) {
  typename S::Vector sum = {};
  for (std::int64_t j = 0; j < width; j += S::kLanes) sum += S::at(row + j);
  return S::sum(sum);
}

// A mask's factors for the values from `first` on; ones without a mask.
template <typename S, typename T = typename S::T, typename V = typename S::Vector>
BERTH_INLINE inline void load_factors(V& factors, const TileMask<T>& mask, std::int64_t first) {
  if (mask.bytes != nullptr) {
    S::load_mask(factors, mask.bytes + first, S::kLanes, mask.kept_factor);
  } else {
    factors = V{} + T{1};
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void softmax_body(const Tile& tile, T scale, bool known, const TileMask<T>& m, T* scores,
                                      T* maximum, T* inverse_sum) {
  const TileMask<T> mask = m;
  const std::int64_t width = padded(tile.keys);
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    T* row = scores + i * width;
    std::fill(row + tile.keys, row + width, row[0]);  // no influence on the maximum
    if (!known) maximum[i] = row_maximum<S>(row, width);
    for (std::int64_t j = 0; j < width; j += S::kLanes) {
      typename S::Vector x = (S::at(row + j) - maximum[i]) * scale;
      S::exponential(x);
      S::at(row + j) = x;
    }
    std::fill(row + tile.keys, row + width, T{0});
    if (!known) inverse_sum[i] = T{1} / row_sum<S>(row, width);
    for (std::int64_t j = 0; j < width; j += S::kLanes) {
      typename S::Vector factors;
      load_factors<S>(factors, mask, i * width + j);
      S::at(row + j) = S::at(row + j) * inverse_sum[i] * factors;
    }
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void softmax_backward_body(const Tile& tile, T scale, const TileMask<T>& m, const T* means,
                                               T* probabilities, T* gradients) {
  const TileMask<T> mask = m;
  const std::int64_t width = padded(tile.keys);
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    for (std::int64_t j = i * width; j < (i + 1) * width; j += S::kLanes) {
      typename S::Vector factors;
      load_factors<S>(factors, mask, j);
      const typename S::Vector probability = S::at(probabilities + j);
      S::at(gradients + j) = probability * (S::at(gradients + j) * factors - means[i]) * scale;
      S::at(probabilities + j) = probability * factors;
    }
  }
}

template <typename S, typename T = typename S::T>
BERTH_INLINE inline void row_products_body(const Extent& extent, const Strided<T>& left, const Strided<T>& right,
                                           T* out) {
  for (std::int64_t i = 0; i < extent.rows; ++i) {
    const T* a = left.data + i * left.row;
    const T* b = right.data + i * right.row;
    typename S::Vector sum = {};
    S::for_row(extent.width, [&](std::int64_t j, std::int64_t count) BERTH_INLINE {
      typename S::Vector x;
      typename S::Vector y;
      S::load(x, a + j, count);
      S::load(y, b + j, count);
      sum += x * y;
    });
    out[i] = S::sum(sum);
  }
}

}  // namespace

template <typename T>
void multiply(const Product<T>& product) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { multiply_body<decltype(simd)>(product); });
}

template <typename T>
void softmax_rows(const Tile& tile, T scale, bool known, const TileMask<T>& mask, T* scores, T* maximum,
                  T* inverse_sum) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE {
    softmax_body<decltype(simd)>(tile, scale, known, mask, scores, maximum, inverse_sum);
  });
}

template <typename T>
void softmax_backward_rows(const Tile& tile, T scale, const TileMask<T>& mask, const T* means, T* probabilities,
                           T* gradients) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE {
    softmax_backward_body<decltype(simd)>(tile, scale, mask, means, probabilities, gradients);
  });
}

template <typename T>
void row_products(const Extent& extent, const Strided<T>& a, const Strided<T>& b, T* out) {
  for_best_instructions<T>([&](auto simd) BERTH_INLINE { row_products_body<decltype(simd)>(extent, a, b, out); });
}

template void multiply(const Product<float>&);
template void softmax_rows(const Tile&, float, bool, const TileMask<float>&, float*, float*, float*);
template void softmax_backward_rows(const Tile&, float, const TileMask<float>&, const float*, float*, float*);
template void row_products(const Extent&, const Strided<float>&, const Strided<float>&, float*);
template void multiply(const Product<double>&);
template void softmax_rows(const Tile&, double, bool, const TileMask<double>&, double*, double*, double*);
template void softmax_backward_rows(const Tile&, double, const TileMask<double>&, const double*, double*, double*);
template void row_products(const Extent&, const Strided<double>&, const Strided<double>&, double*);

}  // namespace berth::model

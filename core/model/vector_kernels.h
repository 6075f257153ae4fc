// The inner loops of attention, compiled for several instruction sets. Every row starts at a 64-byte boundary and is
// padded to a multiple of kPad values.
#pragma once

#include <cstdint>

#include "core/model/layer_kernels.h"

namespace berth::model {

constexpr std::int64_t kPad = 16;
constexpr std::int64_t padded(std::int64_t count) { return (count + kPad - 1) / kPad * kPad; }

// Element (i, k) is data[i * row + k * column]: a transposed matrix is the same memory with row and column exchanged.
template <typename T>
struct Strided {
  const T* data = nullptr;
  std::int64_t row = 0;
  std::int64_t column = 1;
};

template <typename T>
struct Product {
  std::int64_t rows = 0;
  std::int64_t depth = 0;
  std::int64_t columns = 0;  // a multiple of kPad; the stride of right and out
  Strided<T> left;           // [rows, depth], anywhere
  const T* right = nullptr;  // [depth, columns]
  T* out = nullptr;          // [rows, columns]
  bool add = false;          // to what is in out
};
template <typename T>
void multiply(const Product<T>& product);

// A tile of attention's scores: `rows` rows for `keys` keys, padded(keys) values apart.
struct Tile {
  std::int64_t rows = 0;
  std::int64_t keys = 0;
};

// What dropout makes of a tile: its bytes, 1 kept and 0 dropped, lie as the tile's values do. Null: no dropout.
template <typename T>
struct TileMask {
  const std::uint8_t* bytes = nullptr;
  T kept_factor = 1;
};

// Scores to mask * softmax(scale * scores), in place; padding becomes zero. maximum and inverse_sum, [rows], are
// written where `known` is false, and used as they are where it is true.
template <typename T>
void softmax_rows(const Tile& tile, T scale, bool known, const TileMask<T>& mask, T* scores, T* maximum,
                  T* inverse_sum);

// The gradient of that: gradient = scale * probability * (mask * gradient - means[row]), in place. The probabilities
// come without the mask, and have it afterwards.
template <typename T>
void softmax_backward_rows(const Tile& tile, T scale, const TileMask<T>& mask, const T* means, T* probabilities,
                           T* gradients);

// out[i] = the sum over j of a(i, j) b(i, j); a and b lie anywhere, but their rows' values one after another.
template <typename T>
void row_products(const Extent& extent, const Strided<T>& a, const Strided<T>& b, T* out);

}  // namespace berth::model

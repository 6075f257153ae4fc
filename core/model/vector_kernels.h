// The inner loops of attention, compiled for several instruction sets. Every row starts at a 64-byte boundary and is
// padded to a multiple of kPad values.
#pragma once

#include <cstdint>

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
void multiply(const Product<float>& product);
void multiply(const Product<double>& product);

// A tile of attention's scores: `rows` rows for `keys` keys, padded(keys) values apart.
struct Tile {
  std::int64_t rows = 0;
  std::int64_t keys = 0;
};

// Scores to probabilities, softmax(scale * scores), in place; padding becomes zero. maximum and inverse_sum, [rows],
// are written where `known` is false, and used as they are where it is true.
void softmax_rows(const Tile& tile, float scale, bool known, float* scores, float* maximum, float* inverse_sum);
void softmax_rows(const Tile& tile, double scale, bool known, double* scores, double* maximum, double* inverse_sum);

// values *= mask * factor, over the padded tile.
void mask_rows(const Tile& tile, const std::uint8_t* mask, float factor, float* values);
void mask_rows(const Tile& tile, const std::uint8_t* mask, double factor, double* values);

// The gradient of softmax: gradient = scale * probability * (gradient - means[row]), in place.
void softmax_backward_rows(const Tile& tile, float scale, const float* probabilities, const float* means,
                           float* gradients);
void softmax_backward_rows(const Tile& tile, double scale, const double* probabilities, const double* means,
                           double* gradients);

}  // namespace berth::model

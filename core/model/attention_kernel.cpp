#include "core/model/attention_kernel.h"

#include <algorithm>
#include <cmath>

#include "core/model/vector_kernels.h"

namespace berth::model {
namespace {

constexpr std::int64_t kTileRows = 64;  // queries at a time: their scores stay in the second cache

// Hands out pieces of the scratch, padded so that each begins at a 64-byte boundary.
template <typename T>
class Scratch {
 public:
  explicit Scratch(T* data) : data_(data) {}
  T* take(std::int64_t rows, std::int64_t columns) {
    T* piece = data_ + used_;
    used_ += padded(rows * padded(columns));
    return piece;
  }
  std::size_t used() const { return static_cast<std::size_t>(used_); }

 private:
  T* data_;
  std::int64_t used_ = 0;
};

template <typename T>
struct ForwardSpace {
  T *keys, *values, *scores, *out;
  std::uint8_t* mask;
  std::size_t used;

  ForwardSpace(const HeadShape& shape, T* data) {
    const std::int64_t tile = std::min(kTileRows, shape.queries);
    Scratch<T> scratch(data);
    keys = scratch.take(shape.width, shape.keys);
    values = scratch.take(shape.keys, shape.width);
    scores = scratch.take(tile, shape.keys);
    out = scratch.take(tile, shape.width);
    mask = reinterpret_cast<std::uint8_t*>(scratch.take(tile, shape.keys));
    used = scratch.used();
  }
};

template <typename T>
struct BackwardSpace {
  T *keys_across, *values_across, *keys, *key_gradient, *value_gradient;
  T *query, *query_gradient, *out_gradient, *probabilities, *gradients, *means;
  std::uint8_t* mask;
  std::size_t used;

  BackwardSpace(const HeadShape& shape, T* data) {
    const std::int64_t tile = std::min(kTileRows, shape.queries);
    Scratch<T> scratch(data);
    keys_across = scratch.take(shape.width, shape.keys);
    values_across = scratch.take(shape.width, shape.keys);
    keys = scratch.take(shape.keys, shape.width);
    key_gradient = scratch.take(shape.keys, shape.width);
    value_gradient = scratch.take(shape.keys, shape.width);
    query = scratch.take(tile, shape.width);
    query_gradient = scratch.take(tile, shape.width);
    out_gradient = scratch.take(tile, shape.width);
    probabilities = scratch.take(tile, shape.keys);
    gradients = scratch.take(tile, shape.keys);
    means = scratch.take(1, tile);
    mask = reinterpret_cast<std::uint8_t*>(scratch.take(tile, shape.keys));
    used = scratch.used();
  }
};

template <typename T>
Rows<const T> from_row(Rows<const T> rows, std::int64_t row) {
  return {rows.data + row * rows.stride, rows.stride};
}

// Rows to scratch, padded with zeros.
template <typename T>
void pack(Rows<const T> from, std::int64_t rows, std::int64_t width, T* to) {
  const std::int64_t stride = padded(width);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(from.data + i * from.stride, width, to + i * stride);
    std::fill(to + i * stride + width, to + (i + 1) * stride, T{0});
  }
}

template <typename T>
void pack_across(Rows<const T> from, std::int64_t rows, std::int64_t width, T* to) {
  const std::int64_t stride = padded(rows);
  for (std::int64_t c = 0; c < width; ++c) {
    for (std::int64_t i = 0; i < rows; ++i) to[c * stride + i] = from.data[i * from.stride + c];
    std::fill(to + c * stride + rows, to + (c + 1) * stride, T{0});
  }
}

template <typename T>
void unpack(const T* from, std::int64_t rows, std::int64_t width, Rows<T> to) {
  for (std::int64_t i = 0; i < rows; ++i) std::copy_n(from + i * padded(width), width, to.data + i * to.stride);
}

// The same mask in forward and backward: rows lie padded(keys) indices apart. Drawn into `bytes`.
template <typename T>
TileMask<T> draw_mask(const HeadShape& shape, std::int64_t row, const Tile& tile, std::uint8_t* bytes) {
  if (shape.dropout.p <= 0) return {};
  const std::int64_t width = padded(shape.keys);
  dropout_mask(bytes, shape.first_element + row * width, tile.rows * width, shape.dropout);
  return {bytes, static_cast<T>(shape.dropout.kept_factor())};
}

template <typename T>
T scale_of(const HeadShape& shape) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(shape.width)));
}

}  // namespace

std::int64_t element_count(std::int64_t keys) {
  constexpr std::int64_t kGroup = 64;  // dropout draws whole groups
  return (keys * padded(keys) + kGroup - 1) / kGroup * kGroup;
}

template <typename T>
std::size_t forward_scratch(const HeadShape& shape) {
  return ForwardSpace<T>(shape, nullptr).used;
}

template <typename T>
std::size_t backward_scratch(const HeadShape& shape) {
  return BackwardSpace<T>(shape, nullptr).used;
}

template <typename T>
void attend(const HeadShape& shape, const HeadInputs<T>& in, const HeadOutputs<T>& out, T* scratch) {
  const ForwardSpace<T> space(shape, scratch);
  const std::int64_t width = shape.width;
  pack_across(in.key, shape.keys, width, space.keys);
  pack(in.value, shape.keys, width, space.values);
  for (std::int64_t row = 0; row < shape.queries; row += kTileRows) {
    const Tile tile{std::min(kTileRows, shape.queries - row), shape.keys};
    const Rows<const T> query = from_row(in.query, row);
    multiply(Product<T>{tile.rows, width, padded(tile.keys), {query.data, query.stride, 1}, space.keys, space.scores});
    softmax_rows(tile, scale_of<T>(shape), false, draw_mask<T>(shape, row, tile, space.mask), space.scores,
                 out.maximum + row, out.inverse_sum + row);
    multiply(
        Product<T>{tile.rows, tile.keys, padded(width), {space.scores, padded(tile.keys), 1}, space.values, space.out});
    unpack(space.out, tile.rows, width, {out.out.data + row * out.out.stride, out.out.stride});
  }
}

// With P the probabilities, M the scaled mask, D the means of the gradient by row:
//   dV = (P M)^T dO     dS = P (dO V^T M - D)     D = rowsum(P M dO V^T) = rowsum(dO O)     dQ = dS K     dK = dS^T Q
template <typename T>
void attend_backward(const HeadShape& shape, const HeadInputs<T>& in, const HeadGradients<T>& out, T* scratch) {
  const BackwardSpace<T> space(shape, scratch);
  const std::int64_t width = shape.width;
  const std::int64_t wide = padded(width);
  const std::int64_t long_row = padded(shape.keys);
  pack_across(in.key, shape.keys, width, space.keys_across);
  pack_across(in.value, shape.keys, width, space.values_across);
  pack(in.key, shape.keys, width, space.keys);
  for (T* sum : {space.key_gradient, space.value_gradient}) std::fill_n(sum, shape.keys * wide, T{0});
  for (std::int64_t row = 0; row < shape.queries; row += kTileRows) {
    const Tile tile{std::min(kTileRows, shape.queries - row), shape.keys};
    pack(from_row(in.query, row), tile.rows, width, space.query);
    pack(from_row(out.out_gradient, row), tile.rows, width, space.out_gradient);
    const Rows<const T> result = from_row(out.out, row);
    row_products<T>({tile.rows, width}, {space.out_gradient, wide}, {result.data, result.stride}, space.means);
    T* maximum = const_cast<T*>(out.maximum) + row;  // read alone: they are known
    T* inverse_sum = const_cast<T*>(out.inverse_sum) + row;
    multiply(Product<T>{tile.rows, width, long_row, {space.query, wide, 1}, space.keys_across, space.probabilities});
    softmax_rows(tile, scale_of<T>(shape), true, {}, space.probabilities, maximum, inverse_sum);
    multiply(
        Product<T>{tile.rows, width, long_row, {space.out_gradient, wide, 1}, space.values_across, space.gradients});
    softmax_backward_rows(tile, scale_of<T>(shape), draw_mask<T>(shape, row, tile, space.mask), space.means,
                          space.probabilities, space.gradients);
    multiply(Product<T>{shape.keys,
                        tile.rows,
                        wide,
                        {space.probabilities, 1, long_row},
                        space.out_gradient,
                        space.value_gradient,
                        true});
    multiply(
        Product<T>{shape.keys, tile.rows, wide, {space.gradients, 1, long_row}, space.query, space.key_gradient, true});
    multiply(Product<T>{tile.rows, shape.keys, wide, {space.gradients, long_row, 1}, space.keys, space.query_gradient});
    unpack(space.query_gradient, tile.rows, width, {out.query.data + row * out.query.stride, out.query.stride});
  }
  unpack(space.key_gradient, shape.keys, width, out.key);
  unpack(space.value_gradient, shape.keys, width, out.value);
}

template std::size_t forward_scratch<float>(const HeadShape&);
template std::size_t forward_scratch<double>(const HeadShape&);
template std::size_t backward_scratch<float>(const HeadShape&);
template std::size_t backward_scratch<double>(const HeadShape&);
template void attend(const HeadShape&, const HeadInputs<float>&, const HeadOutputs<float>&, float*);
template void attend(const HeadShape&, const HeadInputs<double>&, const HeadOutputs<double>&, double*);
template void attend_backward(const HeadShape&, const HeadInputs<float>&, const HeadGradients<float>&, float*);
template void attend_backward(const HeadShape&, const HeadInputs<double>&, const HeadGradients<double>&, double*);

}  // namespace berth::model

// Work on a tensor in chunks that do not depend on the number of threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace berth::model {

constexpr std::int64_t kChunkRows = 64;

inline std::int64_t chunk_count(std::int64_t count, std::int64_t size) { return (count + size - 1) / size; }

// f(chunk, first, count) for `total` things in chunks of `size`, the last one shorter, on all threads.
template <typename F>
void for_chunks(std::int64_t total, std::int64_t size, const F& f) {
  at::parallel_for(0, chunk_count(total, size), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      const std::int64_t first = chunk * size;
      f(chunk, first, std::min(size, total - first));
    }
  });
}

// f(chunk, first row, rows).
template <typename F>
void for_row_chunks(std::int64_t rows, const F& f) {
  for_chunks(rows, kChunkRows, f);
}

// Where chunks of rows add up sums over their rows: [chunks, width], zeros.
inline at::Tensor chunk_sums(const at::Tensor& rows, std::int64_t width) {
  return at::zeros({chunk_count(rows.size(0), kChunkRows), width}, rows.options());
}

// f(type tag) with the tensor's type, float or double.
template <typename F>
void for_type(const at::Tensor& tensor, const F& f) {
  if (tensor.scalar_type() == at::kFloat) {
    f(float{});
  } else {
    f(double{});
  }
}

// [width]: all rows of chunk_sums() added up, one after another.
inline at::Tensor total_of(const at::Tensor& sums) {
  const std::int64_t width = sums.size(1);
  at::Tensor total = at::zeros({width}, sums.options());
  for_type(sums, [&](auto tag) {
    using T = decltype(tag);
    const T* row = sums.const_data_ptr<T>();
    T* to = total.data_ptr<T>();
    for (std::int64_t chunk = 0; chunk < sums.size(0); ++chunk, row += width) {
      for (std::int64_t j = 0; j < width; ++j) to[j] += row[j];
    }
  });
  return total;
}

}  // namespace berth::model

// Work on the rows of a matrix, in chunks that do not depend on the number of threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace berth::model {

constexpr std::int64_t kChunkRows = 64;

inline std::int64_t chunk_count(std::int64_t rows) { return (rows + kChunkRows - 1) / kChunkRows; }

// f(chunk, first row, rows) for all chunks, on all threads.
template <typename F>
void for_row_chunks(std::int64_t rows, const F& f) {
  at::parallel_for(0, chunk_count(rows), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      const std::int64_t first = chunk * kChunkRows;
      f(chunk, first, std::min(kChunkRows, rows - first));
    }
  });
}

// Where chunks add up sums over their rows: [chunks, width], zeros.
inline at::Tensor chunk_sums(const at::Tensor& rows, std::int64_t width) {
  return at::zeros({chunk_count(rows.size(0)), width}, rows.options());
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

}  // namespace berth::model

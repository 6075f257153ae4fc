#include "core/training/lazy_rows.h"

#include <algorithm>
#include <numeric>

#include "core/model/chunks.h"
#include "core/training/adamw_kernel.h"

namespace berth::training {
namespace {

// Bounds what a row that is read again has to be multiplied with.
constexpr std::size_t kMostWaiting = 64;

}  // namespace

LazyRows::LazyRows(at::Tensor table)
    : table_(std::move(table)), is_touched_(static_cast<std::size_t>(table_.size(0)), 0) {}

void LazyRows::touch(const at::Tensor& rows) {
  const auto* row = rows.const_data_ptr<std::int64_t>();
  const auto before = static_cast<std::ptrdiff_t>(touched_.size());
  for (std::int64_t i = 0; i < rows.numel(); ++i) {
    if (row[i] < 0 || row[i] >= table_.size(0) || is_touched_[static_cast<std::size_t>(row[i])] != 0) continue;
    is_touched_[static_cast<std::size_t>(row[i])] = 1;
    touched_.push_back(row[i]);
    multiply(row[i]);
  }
  std::sort(touched_.begin() + before, touched_.end());
  std::inplace_merge(touched_.begin(), touched_.begin() + before, touched_.end());
}

void LazyRows::touch_all() {
  settle();
  touched_.resize(is_touched_.size());
  std::iota(touched_.begin(), touched_.end(), std::int64_t{0});
  std::fill(is_touched_.begin(), is_touched_.end(), 1);
}

void LazyRows::decay(double factor) {
  if (factor == 1 || touched_.size() == is_touched_.size()) return;
  waiting_.push_back(factor);
  if (waiting_.size() >= kMostWaiting) settle();
}

void LazyRows::settle() {
  if (waiting_.empty()) return;
  model::for_row_chunks(table_.size(0), [&](std::int64_t, std::int64_t first, std::int64_t rows) {
    for (std::int64_t row = first; row < first + rows; ++row) {
      if (is_touched_[static_cast<std::size_t>(row)] == 0) multiply(row);
    }
  });
  waiting_.clear();
}

void LazyRows::multiply(std::int64_t row) {
  const std::int64_t width = table_.size(1);
  model::for_type(table_, [&](auto tag) {
    using T = decltype(tag);
    multiply_by_each(waiting_, table_.data_ptr<T>() + row * width, width);
  });
}

}  // namespace berth::training

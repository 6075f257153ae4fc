// Rows of several sequences, packed end to end or padded to rectangles. Linear layers work on what is packed, so that
// they do nothing for padding; attention needs rectangles.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace berth::seq2seq {

class Layout {
 public:
  // offsets: [B + 1] int64 on the CPU; sequence b has rows [o[b], o[b + 1]), at least one. device: where the rows are,
  // and all that the functions below give.
  static Layout ragged(const at::Tensor& offsets, at::Device device = at::kCPU);
  // B sequences of `length` rows each.
  static Layout uniform(std::int64_t sequences, std::int64_t length, at::Device device = at::kCPU);

  std::int64_t sequences() const { return sequences_; }  // B
  std::int64_t longest() const { return longest_; }      // T
  std::int64_t rows() const { return rows_; }            // M
  at::Tensor mask() const;                               // [B, T] bool, true on rows
  at::Tensor positions() const;                          // [M] int64: 0, 1, ... in each sequence
  at::Tensor sequence_of_rows() const;                   // [M] int64: 0 .. B-1

  // [M, ...] -> [B, T, ...]; padding is zeros.
  at::Tensor pad(const at::Tensor& packed) const;
  // [B, T, ...] -> [M, ...]
  at::Tensor pack(const at::Tensor& padded) const;

 private:
  Layout() = default;

  std::int64_t sequences_ = 0;
  std::int64_t longest_ = 0;
  std::int64_t rows_ = 0;
  at::Device device_ = at::kCPU;
  at::Tensor lengths_;  // [B] int64 on the CPU
  at::Tensor places_;   // [M]: b * T + t of each row; undefined where all sequences are equally long
};

}  // namespace berth::seq2seq

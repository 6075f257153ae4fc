// The rows of a large table (word embeddings) of which each step reads a few. A row that no gradient ever reached has
// zero moments: AdamW only decays it, and that can wait until somebody reads it. What waits is kept as the steps'
// factors and multiplied in one by one, so that the row's bits are those of decaying at every step, whenever it is
// done.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace berth::training {

class LazyRows {
 public:
  explicit LazyRows(at::Tensor table);  // [rows, width], contiguous

  // Brings these rows (int64, any order and repetition) up to date; from now on they are updated at every step. Numbers
  // of rows that there are not, are the encoder's to refuse.
  void touch(const at::Tensor& rows);
  void touch_all();

  // Rows that are updated at every step, ascending.
  const std::vector<std::int64_t>& touched() const { return touched_; }

  // One step's decay, 1 - rate * weight decay, of all other rows.
  void decay(double factor);

  // Brings every row up to date: before anybody reads the whole table.
  void settle();

 private:
  void multiply(std::int64_t row);

  at::Tensor table_;
  std::vector<std::uint8_t> is_touched_;  // [rows]
  std::vector<std::int64_t> touched_;
  std::vector<double> waiting_;  // factors of the steps since settle()
};

}  // namespace berth::training

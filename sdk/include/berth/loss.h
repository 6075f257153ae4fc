// A loss as a sum and its own denominator, so that accumulation, several processes and an odd last batch all weigh
// alike.
#pragma once

#include <ATen/core/Tensor.h>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

// Given by the host; no version adds a value.
enum class LossDetail : std::uint8_t {
  kSum,     // sum and count
  kValues,  // also `values` and `sequences`
};

// Tensors are on the device of the head's outputs.
struct Loss {
  at::Tensor sum;        // [], differentiable: the sum over the counted labels
  double count = 0;      // the denominator: the number of labels, or the sum of their weights
  at::Tensor values;     // [K], differentiable, one a counted label; sums to `sum`. Undefined unless asked for
  at::Tensor sequences;  // [K] int64: the sequence (0 .. B-1) each value belongs to. Undefined unless asked for
};

}  // namespace v1
}  // namespace berth

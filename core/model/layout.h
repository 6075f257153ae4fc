// Where the sequences of a packed batch lie, for a device that is not the processor: uploaded once, read by all layers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace berth::model {

struct Layout {
  std::int64_t sequences = 0;
  std::int64_t longest = 0;  // tokens of a sequence
  at::Tensor offsets;        // [B + 1] int32, for kernels that read packed sequences
  // For those that want a rectangle [B, L] of the sequences:
  at::Tensor rows;    // [B * L] int64, the packed row in each place; any one in places of padding
  at::Tensor places;  // [N] int64, the place of each packed row
  at::Tensor mask;    // [B, 1, 1, L] bool, true on tokens
};

// offsets: [B + 1] int64 on the CPU.
Layout make_layout(const at::Tensor& offsets, at::Device device);

}  // namespace berth::model

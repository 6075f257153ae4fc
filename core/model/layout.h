// Where the sequences of a packed batch lie.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace berth::model {

// B sequences side by side, L places each: as many as the longest one has tokens.
struct Rectangle {
  std::int64_t sequences = 0;
  std::int64_t longest = 0;
  at::Tensor rows;    // [B * L] int64, the packed row in each place; any one in places of padding
  at::Tensor places;  // [N] int64, the place of each packed row
  at::Tensor mask;    // [B, L] bool, true on tokens
};

// offsets: [B + 1] int64 on the CPU. device: of the result.
Rectangle make_rectangle(const at::Tensor& offsets, at::Device device);

// For a device that is not the processor: uploaded once, read by all layers.
struct Layout {
  std::int64_t longest = 0;                 // tokens of a sequence
  at::Tensor offsets;                       // [B + 1] int32
  std::optional<Rectangle> rectangle = {};  // where attention is computed in one
};

// Without a rectangle; as make_rectangle().
Layout make_layout(const at::Tensor& offsets, at::Device device);

}  // namespace berth::model

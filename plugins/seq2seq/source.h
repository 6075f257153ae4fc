// A batch's encoded sources, as the decoder and the output layer read them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "layout.h"

namespace berth::seq2seq {

// B sources of at most L tokens.
struct Source {
  // Keys and values that one layer of the decoder attends to: [B, heads, L, width / heads].
  struct Memory {
    at::Tensor keys;
    at::Tensor values;
  };

  at::Tensor hidden;     // [B, L, width]; padding is zeros
  at::Tensor mask;       // [B, L] bool, true on tokens
  at::Tensor copy_ids;   // [B, L] int64, kNoCopy where there is nothing to copy; undefined where nothing is copied
  at::Tensor copy_keys;  // [B, L, width], likewise
  std::vector<Memory> layers;  // one a layer of the decoder

  // The sources of these indices, [A] int64, in their order.
  Source select(const at::Tensor& indices) const;
};

}  // namespace berth::seq2seq

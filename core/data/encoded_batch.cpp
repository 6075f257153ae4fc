#include "core/data/encoded_batch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "berth/error.h"
#include "core/device/device.h"

namespace berth::data {

at::Tensor EncodedBatch::hidden() const {
  if (!output_.hidden.defined()) {
    throw Error(ErrorKind::kPlugin, "hidden() and padded() need HeadInput::kAllTokens from Head::input()");
  }
  return output_.hidden;
}

at::Tensor EncodedBatch::pooled() const {
  if (!output_.pooled.defined()) {
    throw Error(ErrorKind::kPlugin, "pooled() needs HeadInput::kPooled from Head::input()");
  }
  return output_.pooled;
}

Padded EncodedBatch::padded() const {
  const at::Tensor packed = hidden();
  const at::Tensor lengths = batch_.offsets().slice(0, 1) - batch_.offsets().slice(0, 0, -1);
  const auto longest = lengths.max().item<std::int64_t>();
  Padded result;
  const at::Tensor mask = at::arange(longest, at::kLong).unsqueeze(0) < lengths.unsqueeze(1);
  result.mask = device::copy_to(mask, packed.device());
  // Row b * L + position for each packed token: scattering keeps the gradient.
  const at::Tensor rows = device::copy_to(mask.flatten().nonzero().squeeze(1), packed.device());
  result.hidden = at::zeros({batch_.size() * longest, packed.size(1)}, packed.options())
                      .index_copy(0, rows, packed)
                      .view({batch_.size(), longest, packed.size(1)});
  return result;
}

model::EncoderInput encoder_input(const Batch& batch) {
  return {batch.ids(), batch.segments(), batch.positions(), batch.offsets()};
}

}  // namespace berth::data

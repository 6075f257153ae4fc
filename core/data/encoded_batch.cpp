#include "core/data/encoded_batch.h"

#include <ATen/ops/zeros.h>

#include "berth/error.h"
#include "core/model/layout.h"

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
  const auto in = model::make_rectangle(batch_.offsets(), packed.device());
  // Scattering keeps the gradient.
  const at::Tensor hidden =
      at::zeros({in.sequences * in.longest, packed.size(1)}, packed.options()).index_copy(0, in.places, packed);
  return {hidden.view({in.sequences, in.longest, packed.size(1)}), in.mask};
}

model::EncoderInput encoder_input(const Batch& batch) {
  return {batch.ids(), batch.segments(), batch.positions(), batch.offsets()};
}

}  // namespace berth::data

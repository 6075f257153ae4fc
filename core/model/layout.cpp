#include "core/model/layout.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "core/device/device.h"

namespace berth::model {

Layout make_layout(const at::Tensor& offsets, at::Device device) {
  Layout layout;
  layout.sequences = offsets.size(0) - 1;
  const at::Tensor begins = offsets.slice(0, 0, -1);
  const at::Tensor lengths = offsets.slice(0, 1) - begins;
  layout.longest = lengths.max().item<std::int64_t>();
  const at::Tensor column = at::arange(layout.longest, at::kLong).unsqueeze(0);
  const at::Tensor is_token = column < lengths.unsqueeze(1);
  layout.offsets = device::copy_to(offsets.to(at::kInt), device);
  layout.rows = device::copy_to((begins.unsqueeze(1) + column).mul_(is_token).flatten(), device);
  layout.places = device::copy_to(is_token.flatten().nonzero().squeeze(1), device);
  layout.mask = device::copy_to(is_token.unsqueeze(1).unsqueeze(1), device);
  return layout;
}

}  // namespace berth::model

#include "core/model/layout.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>

#include "core/device/device.h"

namespace berth::model {

Rectangle make_rectangle(const at::Tensor& offsets, at::Device device) {
  const at::Tensor begins = offsets.slice(0, 0, -1);
  const at::Tensor lengths = offsets.diff();
  Rectangle rectangle;
  rectangle.sequences = begins.size(0);
  rectangle.longest = lengths.max().item<std::int64_t>();
  const at::Tensor column = at::arange(rectangle.longest, at::kLong).unsqueeze(0);
  const at::Tensor mask = column < lengths.unsqueeze(1);
  rectangle.rows = device::copy_to((begins.unsqueeze(1) + column).mul_(mask).flatten(), device);
  rectangle.places = device::copy_to(mask.flatten().nonzero().squeeze(1), device);
  rectangle.mask = device::copy_to(mask, device);
  return rectangle;
}

Layout make_layout(const at::Tensor& offsets, at::Device device) {
  return {offsets.diff().max().item<std::int64_t>(), device::copy_to(offsets.to(at::kInt), device)};
}

}  // namespace berth::model

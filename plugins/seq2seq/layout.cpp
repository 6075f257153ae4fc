#include "layout.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <vector>

namespace berth::seq2seq {
namespace {

std::vector<std::int64_t> with_tail(std::int64_t a, std::int64_t b, const at::Tensor& like, std::int64_t from) {
  std::vector<std::int64_t> shape = {a};
  if (b >= 0) shape.push_back(b);
  for (std::int64_t i = from; i < like.dim(); ++i) shape.push_back(like.size(i));
  return shape;
}

}  // namespace

Layout Layout::ragged(const at::Tensor& offsets, at::Device device) {
  const at::Tensor begins = offsets.slice(0, 0, -1);
  Layout layout;
  layout.device_ = device;
  layout.sequences_ = begins.size(0);
  layout.lengths_ = offsets.slice(0, 1).sub(begins);
  layout.longest_ = layout.lengths_.max().item<std::int64_t>();
  layout.rows_ = layout.lengths_.sum().item<std::int64_t>();
  if (layout.rows_ != layout.sequences_ * layout.longest_) {
    layout.places_ = layout.mask().flatten().nonzero().squeeze(1);
  }
  return layout;
}

Layout Layout::uniform(std::int64_t sequences, std::int64_t length, at::Device device) {
  Layout layout;
  layout.device_ = device;
  layout.sequences_ = sequences;
  layout.longest_ = length;
  layout.rows_ = sequences * length;
  layout.lengths_ = at::full({sequences}, length, at::kLong);
  return layout;
}

at::Tensor Layout::mask() const {
  return at::arange(longest_, at::kLong).unsqueeze(0).lt(lengths_.unsqueeze(1)).to(device_);
}

at::Tensor Layout::positions() const {
  const auto options = at::TensorOptions(at::kLong).device(device_);
  return pack(at::arange(longest_, options).unsqueeze(0).expand({sequences_, longest_}));
}

at::Tensor Layout::sequence_of_rows() const {
  return at::arange(sequences_, at::kLong).repeat_interleave(lengths_).to(device_);
}

at::Tensor Layout::pad(const at::Tensor& packed) const {
  if (!places_.defined()) return packed.reshape(with_tail(sequences_, longest_, packed, 1));
  return at::zeros(with_tail(sequences_ * longest_, -1, packed, 1), packed.options())
      .index_copy(0, places_, packed)
      .view(with_tail(sequences_, longest_, packed, 1));
}

at::Tensor Layout::pack(const at::Tensor& padded) const {
  const at::Tensor flat = padded.reshape(with_tail(sequences_ * longest_, -1, padded, 2));
  return places_.defined() ? flat.index_select(0, places_) : flat;
}

}  // namespace berth::seq2seq

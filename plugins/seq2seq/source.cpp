#include "source.h"

namespace berth::seq2seq {

Source Source::select(const at::Tensor& indices) const {
  const auto pick = [&](const at::Tensor& tensor) {
    return tensor.defined() ? tensor.index_select(0, indices) : at::Tensor();
  };
  Source result{pick(hidden), pick(mask), pick(copy_ids), pick(copy_keys), {}};
  for (const Memory& layer : layers) result.layers.push_back({pick(layer.keys), pick(layer.values)});
  return result;
}

}  // namespace berth::seq2seq

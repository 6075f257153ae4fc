// A bottleneck after a layer (Bapna & Firat 2019, "Simple, Scalable Adaptation for Neural Machine Translation", section
// 2.1; the bottleneck is Houlsby et al. 2019's): hidden + up(relu(down(LayerNorm(hidden)))).
#pragma once

#include <ATen/core/Tensor.h>

namespace berth::model {

struct AdapterWeights {
  at::Tensor norm_scale, norm_shift;  // [width]
  at::Tensor down_weight, down_bias;  // [size, width], [size]
  at::Tensor up_weight, up_bias;      // [width, size], [width]; zero at the start, so that nothing is added
};

// hidden: [rows, width], with autograd. epsilon is added to the variance.
at::Tensor adapter(const at::Tensor& hidden, const AdapterWeights& weights, double epsilon);

}  // namespace berth::model

// A parameter or file entry: a tensor under its Hugging Face name.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace berth {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

using NamedTensors = std::vector<NamedTensor>;

}  // namespace berth

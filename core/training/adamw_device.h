// AdamW on a device that is not the processor, by LibTorch's fused operation: all parameters of a rate in one launch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace berth::training {

struct DeviceUpdate {
  at::Tensor parameter, gradient, mean, variance;  // of one shape; the gradient is used up
  double rate = 0;                                 // of this step
  double weight_decay = 0;
  std::int64_t step = 0;  // of the parameter, from 1
};

struct DeviceAdamW {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double scale = 1;  // of the gradients
};

// Of all gradients together. Waits for the device.
double device_norm(const std::vector<at::Tensor>& gradients);

void device_adamw(const std::vector<DeviceUpdate>& updates, const DeviceAdamW& settings);

}  // namespace berth::training

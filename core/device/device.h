// Where a run computes: the processor, or another device that LibTorch knows, a GPU above all. Everything else of the
// engine asks tensors where they are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "berth/error.h"

namespace berth::device {

constexpr const char* kAuto = "auto";

// What model.device means on this machine. "auto": a GPU of CUDA where LibTorch sees one, else the processor. All else
// is LibTorch's own name of a device: "cpu", "cuda", "cuda:1". Throws Error kConfig for what is no such name, and where
// nothing can be computed there. A GPU is told to give the same bits each time, as far as LibTorch has such operations.
at::Device chosen(const std::string& name, const Where& where);

// Likewise, for what was trained elsewhere: as "auto" has it, where that device isn't here.
at::Device nearest(const std::string& name);

// The name for one of a machine's processes, number `local_rank` of `local_size`: of several GPUs each takes another.
// Throws Error kConfig where there are fewer: NCCL wants one for each process.
std::string of_process(const std::string& name, int local_rank, int local_size);

// There; the tensor itself where it is there already. To a GPU from page-locked memory, which does not wait for what
// the GPU is doing.
at::Tensor copy_to(const at::Tensor& tensor, at::Device device);

// Of the generator that LibTorch draws from on this device.
void seed(at::Device device, std::uint64_t seed);

}  // namespace berth::device

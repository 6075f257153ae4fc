// Sums between GPUs, by NCCL, where berth was built with its headers and those of CUDA. Included by group.cpp alone.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "core/distributed/group.h"

namespace berth::distributed {

class Nccl {
 public:
  virtual ~Nccl() = default;

  // As Group::begin_sum(), of a tensor on a GPU. What comes after the sum's end on the GPU's own queue waits for it;
  // the processor does not.
  virtual std::function<void()> begin_sum(at::Tensor& tensor) = 0;
};

// Null where berth was built without, or there is no GPU. Processes find each other at the first sum.
std::unique_ptr<Nccl> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, const Place& place,
                                const GroupOptions& options);

}  // namespace berth::distributed

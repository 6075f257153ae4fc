// Sums between GPUs, by NCCL, where berth was built with its headers and those of CUDA. Included by group.cpp alone.
#pragma once

#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "core/distributed/group.h"

namespace berth::distributed {

// Null where berth was built without, or there is no GPU. Processes find each other at the first sum. What comes after
// a sum's end on a GPU's own queue waits for it; the processor does not.
c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, const Place& place,
                                            const GroupOptions& options);

}  // namespace berth::distributed

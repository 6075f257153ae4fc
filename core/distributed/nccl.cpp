#include "core/distributed/nccl.h"

#ifdef USE_C10D_NCCL
#include <ATen/Context.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

namespace berth::distributed {

#ifdef USE_C10D_NCCL
c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, const Place& place,
                                            const GroupOptions& options) {
  if (!at::hasCUDA()) return {};  // LibTorch can use GPUs, but there is none
  auto settings = c10d::ProcessGroupNCCL::Options::create();
  settings->timeout = options.timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store), place.rank,
                                                     place.size, settings);
}
#else
c10::intrusive_ptr<c10d::Backend> make_nccl(const c10::intrusive_ptr<c10d::Store>& /*store*/, const Place& /*place*/,
                                            const GroupOptions& /*options*/) {
  return {};
}
#endif

}  // namespace berth::distributed

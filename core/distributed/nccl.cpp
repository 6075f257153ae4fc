#include "core/distributed/nccl.h"

#ifdef USE_C10D_NCCL
#include <ATen/Context.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <utility>

namespace berth::distributed {

#ifdef USE_C10D_NCCL
namespace {

class NcclGroup final : public Nccl {
 public:
  NcclGroup(const c10::intrusive_ptr<c10d::Store>& store, const Place& place, const GroupOptions& options) {
    auto settings = c10d::ProcessGroupNCCL::Options::create();
    settings->timeout = options.timeout;
    group_ = c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                                         place.rank, place.size, settings);
  }

  std::function<void()> begin_sum(at::Tensor& tensor) override {
    std::vector<at::Tensor> tensors = {tensor};
    return [work = group_->allreduce(tensors)] { work->wait(); };
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> group_;
};

}  // namespace

std::unique_ptr<Nccl> make_nccl(const c10::intrusive_ptr<c10d::Store>& store, const Place& place,
                                const GroupOptions& options) {
  if (!at::hasCUDA()) return nullptr;  // LibTorch can use GPUs, but there is none
  return std::make_unique<NcclGroup>(store, place, options);
}
#else
std::unique_ptr<Nccl> make_nccl(const c10::intrusive_ptr<c10d::Store>& /*store*/, const Place& /*place*/,
                                const GroupOptions& /*options*/) {
  return nullptr;
}
#endif

}  // namespace berth::distributed

#include "core/distributed/gradient_sum.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_sparse_coo_tensor_unsafe.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace berth::distributed {
namespace {

// Large enough that the time to begin a sum is nothing, small enough that much is under way before the last gradient is
// there.
constexpr std::int64_t kBucketNumbers = std::int64_t{2} << 20;

// Rows that some process has, ascending.
std::vector<std::int64_t> all_rows(Group& group, const at::Tensor& own) {
  std::string bytes;  // a tensor of nothing has no address to copy from
  if (own.numel() > 0) bytes.assign(static_cast<const char*>(own.const_data_ptr()), own.nbytes());
  std::vector<std::int64_t> rows;
  for (const auto& received : group.gather(bytes)) {
    if (received.empty()) continue;
    const auto first = rows.size();
    rows.resize(first + received.size() / sizeof(std::int64_t));
    std::memcpy(rows.data() + first, received.data(), received.size());
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

// Only the rows travel: a batch touches a few hundred of a table's tens of thousands.
void sum_sparse(Group& group, const at::Tensor& parameter) {
  at::Tensor gradient = parameter.grad();
  at::Tensor own_rows = at::empty({0}, at::kLong);
  if (gradient.defined()) {
    gradient = gradient.coalesce();
    own_rows = gradient.indices()[0].cpu().contiguous();
  }
  const at::Tensor rows = at::tensor(all_rows(group, own_rows), at::kLong);
  at::Tensor values = at::zeros({rows.numel(), parameter.size(1)}, parameter.options().requires_grad(false));
  const auto device = parameter.device();
  if (gradient.defined()) values.index_copy_(0, at::searchsorted(rows, own_rows).to(device), gradient.values());
  group.sum(values);
  parameter.mutable_grad() = at::_sparse_coo_tensor_unsafe(rows.to(device).unsqueeze(0), values, parameter.sizes(), {},
                                                           /*is_coalesced=*/true);
}

}  // namespace

// One stretch of memory with the gradients of several parameters.
struct GradientSum::Bucket {
  std::vector<std::size_t> members;
  std::int64_t size = 0;                 // numbers
  at::Tensor numbers;                    // kept from step to step
  std::size_t missing = 0;               // members whose gradient is not whole yet
  std::function<void()> wait = nullptr;  // set once it is sent
};

// Told by LibTorch when a backward has added to a parameter's gradient.
struct GradientSum::Hook final : torch::autograd::PostAccumulateGradHook {
  Hook(GradientSum& owner, std::size_t parameter) : owner_(owner), parameter_(parameter) {}
  void operator()(const torch::autograd::Variable&) override { owner_.became_whole(parameter_); }

  GradientSum& owner_;
  std::size_t parameter_;
};

// What the gradient of a parameter is in this process: before its bucket was sent, which gives one to each of its
// members.
enum class GradientSum::Kind : std::uint8_t { kNone, kSparse, kDense };

GradientSum::GradientSum(Group& group, std::vector<at::Tensor> parameters)
    : group_(group), parameters_(std::move(parameters)) {
  if (group.is_alone()) return;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(parameters_[i], std::make_unique<Hook>(*this, i));
  }
}

GradientSum::~GradientSum() {
  if (group_.is_alone()) return;
  for (const auto& parameter : parameters_) torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
}

void GradientSum::begin(std::size_t kind) {
  if (group_.is_alone()) return;
  if (kind >= buckets_.size()) buckets_.resize(kind + 1);
  sending_ = &buckets_[kind];
  for (auto& bucket : *sending_) bucket.missing = bucket.members.size();
  own_kinds_.assign(parameters_.size(), std::nullopt);
}

void GradientSum::became_whole(std::size_t parameter) {
  if (sending_ == nullptr) return;
  for (auto& bucket : *sending_) {
    const auto found = std::find(bucket.members.begin(), bucket.members.end(), parameter);
    if (found == bucket.members.end()) continue;
    if (!bucket.wait && --bucket.missing == 0) send_whole_buckets();
    return;
  }
}

// In their order, which has to be the same in all processes.
void GradientSum::send_whole_buckets() {
  for (auto& bucket : *sending_) {
    if (bucket.wait) continue;
    if (bucket.missing > 0) return;
    send(bucket);
  }
}

void GradientSum::send(Bucket& bucket) {
  const at::NoGradGuard no_grad;
  // Whoever keeps a gradient for longer than its step keeps the memory, too.
  if (!bucket.numbers.defined() || bucket.numbers.storage().use_count() > 1) {
    bucket.numbers = at::empty({bucket.size}, parameters_[bucket.members.front()].options().requires_grad(false));
  }
  std::int64_t at = 0;
  for (const auto member : bucket.members) {
    own_kinds_[member] = kind_of(member);
    const auto& parameter = parameters_[member];
    const at::Tensor part = bucket.numbers.narrow(0, at, parameter.numel()).view(parameter.sizes());
    const at::Tensor gradient = parameter.grad();
    if (!gradient.defined()) {
      part.zero_();
    } else {
      part.copy_(gradient.is_sparse() ? gradient.to_dense() : gradient);
    }
    parameter.mutable_grad() = part;
    at += parameter.numel();
  }
  bucket.wait = group_.begin_sum(bucket.numbers);
}

GradientSum::Kind GradientSum::kind_of(std::size_t parameter) const {
  if (own_kinds_[parameter]) return *own_kinds_[parameter];
  const at::Tensor gradient = parameters_[parameter].grad();
  return !gradient.defined() ? Kind::kNone : gradient.is_sparse() ? Kind::kSparse : Kind::kDense;
}

// Over all processes.
std::vector<GradientSum::Kind> GradientSum::kinds() {
  std::vector<double> counts(2 * parameters_.size());  // of processes: with a dense gradient, with a sparse one
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const auto own = kind_of(p);
    counts[2 * p] = own == Kind::kDense ? 1 : 0;
    counts[2 * p + 1] = own == Kind::kSparse ? 1 : 0;
  }
  group_.sum(counts);
  std::vector<Kind> kinds;
  kinds.reserve(parameters_.size());
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    kinds.push_back(counts[2 * p] > 0 ? Kind::kDense : counts[2 * p + 1] > 0 ? Kind::kSparse : Kind::kNone);
  }
  return kinds;
}

// For those that are dense and in none yet. A backward pass comes to the last parameters first.
void GradientSum::add_buckets(const std::vector<Kind>& kinds) {
  std::vector<bool> is_missing(parameters_.size());
  for (std::size_t p = 0; p < parameters_.size(); ++p) is_missing[p] = kinds[p] == Kind::kDense;
  for (const auto& bucket : *sending_) {
    for (const auto member : bucket.members) is_missing[member] = false;
  }
  Bucket next;
  const auto close = [&] {
    if (!next.members.empty()) sending_->push_back(std::move(next));
    next = {};
  };
  for (std::size_t p = parameters_.size(); p-- > 0;) {
    if (!is_missing[p]) continue;
    const auto& parameter = parameters_[p];
    const bool is_alike =
        next.members.empty() || parameters_[next.members.front()].scalar_type() == parameter.scalar_type();
    if (!is_alike || next.size + parameter.numel() > kBucketNumbers) close();
    next.members.push_back(p);
    next.size += parameter.numel();
  }
  close();
}

void GradientSum::finish(std::size_t kind) {
  if (group_.is_alone()) return;
  RECORD_USER_SCOPE("berth: gradients of other processes");
  const at::NoGradGuard no_grad;
  if (sending_ == nullptr) begin(kind);
  // The known ones before anything else: all processes have to send in the same order.
  for (auto& bucket : *sending_) bucket.missing = 0;
  send_whole_buckets();
  const auto now = kinds();
  add_buckets(now);
  send_whole_buckets();
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (now[p] == Kind::kSparse && !own_kinds_[p]) sum_sparse(group_, parameters_[p]);
  }
  for (auto& bucket : *sending_) std::exchange(bucket.wait, nullptr)();
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    if (now[p] == Kind::kNone) parameters_[p].mutable_grad().reset();
  }
  sending_ = nullptr;
}

}  // namespace berth::distributed

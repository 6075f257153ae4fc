#include "core/training/adamw.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/record_function.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "berth/error.h"
#include "core/model/chunks.h"
#include "core/training/adamw_device.h"

namespace berth::training {
namespace {

constexpr std::int64_t kChunkNumbers = 16384;
constexpr std::int64_t kChunkTableRows = 16;

// A part of one tensor, for work that is shared out over all tensors at once: most are too small to share out alone.
struct Chunk {
  std::size_t tensor = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

void add_chunks(std::vector<Chunk>& chunks, std::size_t tensor, std::int64_t size) {
  for (std::int64_t first = 0; first < size; first += kChunkNumbers) {
    chunks.push_back({tensor, first, std::min(kChunkNumbers, size - first)});
  }
}

// f(index among the chunks, chunk), on all threads.
template <typename F>
void for_each(const std::vector<Chunk>& chunks, const F& f) {
  model::for_chunks(static_cast<std::int64_t>(chunks.size()), 1, [&](std::int64_t i, std::int64_t, std::int64_t) {
    f(static_cast<std::size_t>(i), chunks[static_cast<std::size_t>(i)]);
  });
}

// A gradient in the parameter's own order of memory.
at::Tensor flat_like(const at::Tensor& gradient, const at::Tensor& parameter) {
  if (gradient.strides() == parameter.strides()) return gradient;
  return at::empty_like(parameter).copy_(gradient);
}

}  // namespace

AdamW::AdamW(const ParameterPlan& plan, const suite::OptimizerConfig& config, const at::Tensor& table)
    : beta1_(config.beta1), beta2_(config.beta2), epsilon_(config.epsilon) {
  for (const auto& p : plan.parameters) {
    if (p.status != Status::kTrained) continue;
    const auto type = p.tensor.scalar_type();
    if ((type != at::kFloat && type != at::kDouble) || !p.tensor.is_non_overlapping_and_dense()) {
      throw Error(ErrorKind::kPlugin, fmt::format("{} can't be trained: a parameter is float32 or float64 and owns its "
                                                  "memory; this one is {}, strides {}",
                                                  p.name, c10::toString(type), c10::str(p.tensor.strides())));
    }
    is_on_cpu_ &= p.tensor.is_cpu();
    slots_.push_back({p.name, p.tensor, at::zeros_like(p.tensor), at::zeros_like(p.tensor), p.anchor, p.rate,
                      p.weight_decay, p.schedule});
    if (table.defined() && p.tensor.is_same(table)) {
      table_ = table;
      if (is_on_cpu_) lazy_.emplace(table.detach());
    }
  }
}

GradientSummary AdamW::step(double scale, double clip_norm, const std::vector<double>& factors) {
  RECORD_USER_SCOPE("berth: optimizer");
  const at::NoGradGuard no_grad;
  std::vector<Update> updates = take_gradients();
  if (updates.empty()) return {};

  GradientSummary summary;
  summary.norm = norm_of(updates) * scale;
  if (!std::isfinite(summary.norm)) return summary;

  // torch.nn.utils.clip_grad_norm_: the same 1e-6, the same bound of one.
  const double clip = clip_norm > 0 ? std::min(1.0, clip_norm / (summary.norm + 1e-6)) : 1.0;
  for (auto& update : updates) {
    update.rate = update.slot->rate * factors.at(update.slot->schedule);
    update.step = step_of(*update.slot, scale * clip, update.rate);
  }
  if (is_on_cpu_) {
    apply(updates);
  } else {
    apply_on_device(updates, scale * clip);
  }
  return summary;
}

double AdamW::norm_of(const std::vector<Update>& updates) const {
  if (!is_on_cpu_) {
    std::vector<at::Tensor> gradients;
    gradients.reserve(updates.size());
    for (const auto& update : updates) gradients.push_back(update.gradient);
    return device_norm(gradients);
  }
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < updates.size(); ++i) add_chunks(chunks, i, updates[i].gradient.numel());
  std::vector<double> squares(chunks.size());
  for_each(chunks, [&](std::size_t i, const Chunk& chunk) {
    const at::Tensor& gradient = updates[chunk.tensor].gradient;
    model::for_type(gradient, [&](auto tag) {
      using T = decltype(tag);
      squares[i] = sum_of_squares(gradient.const_data_ptr<T>() + chunk.first, chunk.count);
    });
  });
  return std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0));
}

void AdamW::apply_on_device(const std::vector<Update>& updates, double scale) const {
  std::vector<DeviceUpdate> all;
  all.reserve(updates.size());
  for (const auto& update : updates) {
    const auto& slot = *update.slot;
    all.push_back({slot.parameter, update.gradient, slot.mean, slot.variance, update.rate,
                   slot.anchor.defined() ? 0 : slot.weight_decay, slot.steps});
  }
  device_adamw(all, {beta1_, beta2_, epsilon_, scale});
}

void AdamW::apply(const std::vector<Update>& updates) {
  std::vector<Chunk> chunks;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (!updates[i].rows.defined()) add_chunks(chunks, i, updates[i].gradient.numel());
  }
  for_each(chunks, [&](std::size_t, const Chunk& chunk) {
    const Update& update = updates[chunk.tensor];
    model::for_type(update.gradient, [&](auto tag) {
      using T = decltype(tag);
      const Slot& slot = *update.slot;
      adamw(AdamWNumbers<T>{chunk.count, slot.parameter.data_ptr<T>() + chunk.first,
                            update.gradient.const_data_ptr<T>() + chunk.first, slot.mean.data_ptr<T>() + chunk.first,
                            slot.variance.data_ptr<T>() + chunk.first},
            update.step);
    });
  });
  for (const auto& update : updates) {
    if (update.rows.defined()) update_rows(update);
  }
}

// Out of the parameters: their memory is free as soon as the step is done.
std::vector<AdamW::Update> AdamW::take_gradients() {
  std::vector<Update> updates;
  for (auto& slot : slots_) {
    at::Tensor gradient = std::exchange(slot.parameter.mutable_grad(), {});
    if (!gradient.defined()) continue;
    const bool is_table = slot.parameter.is_same(table_);
    const bool may_be_sparse = is_table && lazy_;
    if (gradient.is_sparse() && !may_be_sparse) gradient = gradient.to_dense();  // a head's own lookup
    if (gradient.is_sparse()) {
      gradient = gradient.coalesce();
      updates.push_back({&slot, gradient.values().contiguous(), gradient.indices()[0].contiguous()});
      lazy_->touch(updates.back().rows);
    } else {
      updates.push_back({&slot, flat_like(gradient, slot.parameter)});
      if (may_be_sparse) lazy_->touch_all();
    }
  }
  return updates;
}

AdamWStep AdamW::step_of(Slot& slot, double scale, double rate) const {
  ++slot.steps;
  const auto t = static_cast<double>(slot.steps);
  AdamWStep step;
  step.scale = scale;
  if (slot.anchor.defined()) {  // rows of a table that wait for nothing are at their anchor, and stay there
    slot.parameter.lerp_(slot.anchor, rate * slot.weight_decay);
  } else {
    step.decay = 1 - rate * slot.weight_decay;
  }
  step.beta1 = beta1_;
  step.beta2 = beta2_;
  step.step_size = rate / (1 - std::pow(beta1_, t));
  step.deviation = 1 / std::sqrt(1 - std::pow(beta2_, t));
  step.epsilon = epsilon_;
  return step;
}

// Rows that a gradient reached at any time: dense. All others: decay, in time.
void AdamW::update_rows(const Update& update) {
  const auto& touched = lazy_->touched();
  const auto* rows = update.rows.const_data_ptr<std::int64_t>();
  const auto* rows_end = rows + update.rows.numel();
  const std::int64_t width = table_.size(1);
  const auto count = static_cast<std::int64_t>(touched.size());
  model::for_type(update.gradient, [&](auto tag) {
    using T = decltype(tag);
    model::for_chunks(count, kChunkTableRows, [&](std::int64_t, std::int64_t first, std::int64_t length) {
      const auto* next = std::lower_bound(rows, rows_end, touched[static_cast<std::size_t>(first)]);
      for (std::int64_t i = first; i < first + length; ++i) {
        const std::int64_t row = touched[static_cast<std::size_t>(i)];
        const T* gradient = nullptr;
        if (next != rows_end && *next == row) {
          gradient = update.gradient.const_data_ptr<T>() + (next - rows) * width;
          ++next;
        }
        const std::int64_t at = row * width;
        adamw(AdamWNumbers<T>{width, update.slot->parameter.data_ptr<T>() + at, gradient,
                              update.slot->mean.data_ptr<T>() + at, update.slot->variance.data_ptr<T>() + at},
              update.step);
      }
    });
  });
  lazy_->decay(update.step.decay);
}

void AdamW::read_rows(const at::Tensor& rows) {
  const at::NoGradGuard no_grad;
  if (lazy_) lazy_->touch(rows);
}

void AdamW::settle() {
  const at::NoGradGuard no_grad;
  if (lazy_) lazy_->settle();
}

std::vector<std::int64_t> AdamW::rows_with_moments() const {
  if (lazy_) return lazy_->touched();
  std::vector<std::int64_t> all(table_.defined() ? static_cast<std::size_t>(table_.size(0)) : 0);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return all;
}

// Rows that no gradient ever reached have moments of zero, as has all that was in no step yet.
void AdamW::save(TrainingState& state) const {
  const at::Tensor rows = at::tensor(rows_with_moments(), at::kLong);
  std::vector<std::int64_t> steps;
  for (const auto& slot : slots_) {
    steps.push_back(slot.steps);
    if (slot.steps == 0) continue;
    for (const auto& [moment, numbers] : {std::pair("mean", slot.mean), std::pair("variance", slot.variance)}) {
      state.put(fmt::format("optimizer/{}/{}", slot.name, moment),
                has_rows(slot) ? numbers.index_select(0, rows.to(numbers.device())) : numbers);
    }
  }
  state.put("optimizer/steps", steps);
  state.put("optimizer/rows", rows);
}

void AdamW::load(const TrainingState& state) {
  const at::NoGradGuard no_grad;
  const auto touched = state.integers("optimizer/rows");
  const at::Tensor rows = at::tensor(touched, at::kLong);
  if (lazy_) lazy_.emplace(table_.detach()).touch(rows);
  const auto steps = state.integers("optimizer/steps", slots_.size());
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    const bool is_used = slot.steps > 0 || has_rows(slot);
    slot.steps = steps[i];
    for (const auto& [moment, numbers] : {std::pair("mean", slot.mean), std::pair("variance", slot.variance)}) {
      if (is_used) numbers.zero_();
      if (slot.steps == 0) continue;
      const auto name = fmt::format("optimizer/{}/{}", slot.name, moment);
      if (!has_rows(slot)) {
        state.copy_to(numbers, name);
        continue;
      }
      const at::Tensor part = at::empty({rows.numel(), numbers.size(1)}, numbers.options());
      state.copy_to(part, name);
      numbers.index_copy_(0, rows.to(numbers.device()), part);
    }
  }
}

}  // namespace berth::training

#include "core/data/hidden_cache.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>

#include "core/data/encoded_batch.h"
#include "core/device/device.h"

namespace berth::data {

HiddenCache::HiddenCache(const FeatureStore& store, const model::Encoder& encoder, std::int64_t stages,
                         std::int64_t pack_size, const std::function<void()>& tick)
    : store_(store),
      stages_(stages),
      pack_size_(pack_size),
      device_(encoder.device()),
      hidden_(at::empty({store.tokens(), encoder.config().hidden_size},
                        at::TensorOptions().dtype(encoder.options().dtype))) {
  fill(encoder, nullptr, tick);
}

HiddenCache HiddenCache::continued(const model::Encoder& encoder, std::int64_t more,
                                   const std::function<void()>& tick) const {
  HiddenCache longer = *this;
  longer.stages_ += more;
  longer.hidden_ = at::empty_like(hidden_);
  longer.fill(encoder, this, tick);
  return longer;
}

void HiddenCache::fill(const model::Encoder& encoder, const HiddenCache* below, const std::function<void()>& tick) {
  const at::NoGradGuard no_grad;
  std::int64_t token = 0;
  for (std::int64_t from = 0; from < store_.size(); from += pack_size_) {
    tick();
    const auto batch = store_.pack_from(from, pack_size_);
    auto input = encoder_input(*batch);
    if (below != nullptr) {
      input.hidden = below->pack_from(from, pack_size_);
      input.stages = below->stages_;
    }
    hidden_.narrow(0, token, batch->tokens()).copy_(encoder.lower(input, stages_));
    token += batch->tokens();
  }
}

std::int64_t HiddenCache::bytes_needed(const FeatureStore& store, const model::Encoder& encoder) {
  const auto width = static_cast<std::int64_t>(c10::elementSize(encoder.options().dtype));
  return store.tokens() * encoder.config().hidden_size * width;
}

at::Tensor HiddenCache::pack(const std::vector<std::int64_t>& features) const {
  std::vector<at::Tensor> rows;
  rows.reserve(features.size());
  for (const auto feature : features)
    rows.push_back(hidden_.narrow(0, store_.first_token(feature), store_.length(feature)));
  return device::copy_to(at::cat(rows), device_);
}

at::Tensor HiddenCache::pack_from(std::int64_t first, std::int64_t count) const {
  const auto end = std::min(first + count, store_.size());
  const auto token = store_.first_token(first);
  return device::copy_to(hidden_.narrow(0, token, store_.first_token(end) - token), device_);
}

}  // namespace berth::data

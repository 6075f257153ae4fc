#include "core/data/hidden_cache.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>

#include "core/data/encoded_batch.h"

namespace berth::data {
namespace {

// Features that are encoded together. Rows of a matrix product depend, in their last bits, on how many there are.
constexpr std::int64_t kPack = 64;

}  // namespace

HiddenCache::HiddenCache(const FeatureStore& store, const model::Encoder& encoder, std::int64_t stages,
                         const std::function<void()>& tick)
    : store_(store),
      stages_(stages),
      hidden_(at::empty({store.tokens(), encoder.config().hidden_size},
                        at::TensorOptions().dtype(encoder.options().dtype))) {
  const at::NoGradGuard no_grad;
  std::int64_t token = 0;
  for (std::int64_t from = 0; from < store.size(); from += kPack) {
    tick();
    const auto batch = store.pack_from(from, kPack);
    hidden_.narrow(0, token, batch->tokens()).copy_(encoder.lower(encoder_input(*batch), stages));
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
  return at::cat(rows);
}

}  // namespace berth::data

#include "core/analysis/representations.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "core/analysis/similarity.h"
#include "core/data/encoded_batch.h"
#include "core/device/device.h"

namespace berth::analysis {
namespace {

// `count` of 0, 1, ..., all - 1, evenly spread.
std::vector<std::int64_t> spread(std::int64_t all, std::int64_t count) {
  std::vector<std::int64_t> places;
  count = std::min(count, all);
  for (std::int64_t i = 0; i < count; ++i) places.push_back(i * all / count);
  return places;
}

// One encoder's states of the tokens that are compared, and what its attention does.
class Collector {
 public:
  explicit Collector(const model::Encoder& encoder)
      : encoder_(encoder), attention_(encoder), states_(1 + encoder.config().num_hidden_layers) {}

  // rows: of the batch's tokens.
  void add(const Batch& batch, const at::Tensor& rows) {
    const auto states = encoder_.hidden_states(data::encoder_input(batch));
    attention_.add(states, batch);
    for (std::size_t i = 0; i < states.size(); ++i) states_[i].push_back(at::index_select(states[i], 0, rows));
  }

  at::Tensor states(std::size_t stage) const { return at::cat(states_[stage]); }
  AttentionStatistics attention() const { return attention_.result(); }

 private:
  const model::Encoder& encoder_;
  AttentionMeter attention_;
  std::vector<std::vector<at::Tensor>> states_;  // by stage, batch
};

}  // namespace

Representations compare_representations(const model::Encoder& before, const model::Encoder& after,
                                        const data::FeatureStore& texts, const RepresentationOptions& options) {
  const at::NoGradGuard no_grad;
  Collector old_states(before);
  Collector new_states(after);
  const auto places = spread(texts.tokens(), options.tokens);
  auto next = places.begin();
  std::int64_t begin = 0;  // of the batch, among all tokens
  for (std::int64_t from = 0; from < texts.size(); from += options.batch_size) {
    if (options.tick) options.tick();
    const auto batch = texts.pack_from(from, options.batch_size);
    std::vector<std::int64_t> rows;
    for (; next != places.end() && *next < begin + batch->tokens(); ++next) rows.push_back(*next - begin);
    begin += batch->tokens();
    const at::Tensor index = device::copy_to(at::tensor(rows, at::kLong), before.device());
    old_states.add(*batch, index);
    new_states.add(*batch, index);
  }
  Representations result;
  result.tokens = static_cast<std::int64_t>(places.size());
  for (std::size_t stage = 0; stage < 1 + static_cast<std::size_t>(before.config().num_hidden_layers); ++stage) {
    const at::Tensor a = old_states.states(stage);
    const at::Tensor b = new_states.states(stage);
    result.cka.push_back(linear_cka(a, b));
    result.rsa.push_back(rsa(a, b));
  }
  result.before = old_states.attention();
  result.after = new_states.attention();
  return result;
}

}  // namespace berth::analysis

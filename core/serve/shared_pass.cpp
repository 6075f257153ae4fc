#include "core/serve/shared_pass.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include <utility>

#include "core/data/encoded_batch.h"
#include "core/device/device.h"

namespace berth::serve {
namespace {

// Two sequences have the same if the encoder can't tell them apart.
std::string key_of(const Encoding& encoding) {
  std::string key(reinterpret_cast<const char*>(encoding.ids.data()), encoding.ids.size() * sizeof(encoding.ids[0]));
  key.append(encoding.segments.begin(), encoding.segments.end());
  return key;
}

at::Tensor rows(const at::Tensor& packed, const std::vector<std::pair<std::int64_t, std::int64_t>>& stretches) {
  std::vector<at::Tensor> slices;
  slices.reserve(stretches.size());
  for (const auto& [begin, end] : stretches) slices.push_back(packed.slice(0, begin, end));
  return slices.size() == 1 ? slices.front() : at::cat(slices);
}

}  // namespace

SharedPass::SharedPass(const model::Encoder& encoder) : encoder_(encoder), store_({}, encoder.reals(), "the encoder") {}

std::int64_t SharedPass::add(const Encoding& encoding, HeadInput input) {
  const auto [known, is_new] = known_.emplace(key_of(encoding), store_.size());
  const auto sequence = known->second;
  if (is_new) store_.add({encoding, {}});
  auto& wanted = part(input);
  if (wanted.place.emplace(sequence, wanted.sequences.size()).second) {
    wanted.sequences.push_back(sequence);
    wanted.offsets.push_back(wanted.offsets.back() + store_.length(sequence));
  }
  return sequence;
}

void SharedPass::run() {
  const at::NoGradGuard no_grad;
  const auto batch = store_.pack_from(0, store_.size());
  auto all = data::encoder_input(*batch);
  // The embeddings and all layers but the last.
  const auto shared_stages = encoder_.config().num_hidden_layers;
  all.hidden = encoder_.lower(all, shared_stages);
  all.stages = shared_stages;
  for (const auto input : kInputs) {
    auto& wanted = part(input);
    if (wanted.sequences.empty()) continue;
    model::EncoderRun run;
    run.input = input;
    wanted.output = encoder_.forward(input_of(wanted, all), run);
  }
}

model::EncoderInput SharedPass::input_of(const Part& part, const model::EncoderInput& all) const {
  std::vector<std::pair<std::int64_t, std::int64_t>> stretches;
  stretches.reserve(part.sequences.size());
  for (const auto sequence : part.sequences) {
    const auto begin = store_.first_token(sequence);
    stretches.emplace_back(begin, begin + store_.length(sequence));
  }
  model::EncoderInput input;
  input.ids = rows(all.ids, stretches);
  input.segments = rows(all.segments, stretches);
  input.positions = rows(all.positions, stretches);
  input.offsets = at::tensor(part.offsets, at::kLong);
  input.stages = all.stages;
  input.hidden = rows(all.hidden, stretches);
  return input;
}

model::EncoderOutput SharedPass::output(const std::vector<std::int64_t>& sequences, HeadInput input) const {
  const auto& computed = part(input);
  std::vector<std::int64_t> places;
  std::vector<std::pair<std::int64_t, std::int64_t>> stretches;
  places.reserve(sequences.size());
  stretches.reserve(sequences.size());
  for (const auto sequence : sequences) {
    const auto place = computed.place.at(sequence);
    places.push_back(place);
    stretches.emplace_back(computed.offsets[static_cast<std::size_t>(place)],
                           computed.offsets[static_cast<std::size_t>(place) + 1]);
  }
  const at::Tensor index = device::copy_to(at::tensor(places, at::kLong), computed.output.first.device());
  model::EncoderOutput output;
  output.first = at::index_select(computed.output.first, 0, index);
  if (input == HeadInput::kPooled) output.pooled = at::index_select(computed.output.pooled, 0, index);
  if (input == HeadInput::kAllTokens) output.hidden = rows(computed.output.hidden, stretches);
  return output;
}

}  // namespace berth::serve

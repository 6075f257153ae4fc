#include "steps.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <utility>

namespace berth::seq2seq {
namespace {

// Undefined where each row goes on from its own, as in greedy search: nothing is copied then.
at::Tensor moved(const at::Tensor& parents) {
  const bool stays = parents.defined() && at::equal(parents, at::arange(parents.size(0), at::kLong));
  return stays ? at::Tensor() : parents;
}

}  // namespace

DecoderSteps::DecoderSteps(const StepParts& parts, Source source) : parts_(parts), source_(std::move(source)) {
  if (!source_.copy_ids.defined()) return;
  const std::int64_t ids = source_.copy_ids.max().item<std::int64_t>() + 1;
  extra_ = std::max<std::int64_t>(0, ids - parts_.embedding.weight().size(0));
}

at::Tensor DecoderSteps::step(const at::Tensor& tokens, const at::Tensor& parents) {
  const auto device = source_.mask.device();
  beams_ = tokens.size(0) / source_.mask.size(0);
  const Layout layout = Layout::uniform(source_.mask.size(0), beams_, device);
  const at::Tensor positions = at::full(tokens.sizes(), length_++, at::TensorOptions(at::kLong).device(device));
  const at::Tensor x = parts_.embedding.forward(tokens.to(device), positions, layout, source_);
  at::Tensor from = moved(parents);
  if (from.defined()) from = from.to(device);
  const at::Tensor states = parts_.decoder.step(x, from, source_, caches_);
  last_ = parts_.output.parts({states, x, layout, source_, parts_.embedding.weight()});
  if (source_.copy_ids.defined()) copy_ids_ = source_.copy_ids.repeat_interleave(beams_, 0);
  return all_log_probabilities(last_, copy_ids_, extra_).cpu();
}

at::Tensor DecoderSteps::origins(const at::Tensor& rows, const at::Tensor& tokens) {
  const auto device = source_.mask.device();
  return origins_of(last_, copy_ids_, rows.to(device), tokens.to(device)).cpu();
}

void DecoderSteps::keep(const at::Tensor& sequences) {
  const auto device = source_.mask.device();
  source_ = source_.select(sequences.to(device));
  const at::Tensor rows = (sequences.unsqueeze(1) * beams_ + at::arange(beams_, at::kLong).unsqueeze(0)).reshape({-1});
  for (LayerCache& cache : caches_) cache.select(rows.to(device));
}

}  // namespace berth::seq2seq

#include "core/analysis/attention_statistics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/special_entr.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace berth::analysis {
namespace {

const at::Tensor& parameter(const model::Encoder& encoder, const std::string& name) {
  const auto& all = encoder.parameters();
  return std::find_if(all.begin(), all.end(), [&](const NamedTensor& p) { return p.name == name; })->tensor;
}

std::vector<double> means(const at::Tensor& sums, std::int64_t count) {
  const at::Tensor values = (sums / count).cpu();
  const auto* data = values.const_data_ptr<double>();
  return {data, data + values.numel()};
}

}  // namespace

AttentionMeter::AttentionMeter(const model::Encoder& encoder) : heads_(encoder.config().num_attention_heads) {
  for (std::int64_t i = 0; i < encoder.config().num_hidden_layers; ++i) {
    const auto self = fmt::format("encoder.layer.{}.attention.self.", i);
    const at::Tensor zero = at::zeros({heads_}, at::TensorOptions(at::kDouble).device(encoder.device()));
    layers_.push_back({parameter(encoder, self + "query.weight"), parameter(encoder, self + "query.bias"),
                       parameter(encoder, self + "key.weight"), parameter(encoder, self + "key.bias"), zero,
                       zero.clone()});
  }
}

void AttentionMeter::add(const std::vector<at::Tensor>& states, const Batch& batch) {
  const auto* offsets = batch.offsets().const_data_ptr<std::int64_t>();
  const auto width = states.front().size(1) / heads_;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    auto& layer = layers_[i];
    const at::Tensor queries = at::linear(states[i], layer.query_weight, layer.query_bias);
    const at::Tensor keys = at::linear(states[i], layer.key_weight, layer.key_bias);
    for (std::int64_t b = 0; b < batch.size(); ++b) {
      const auto of_heads = [&](const at::Tensor& rows) {  // [heads, length, width]
        return rows.slice(0, offsets[b], offsets[b + 1]).view({-1, heads_, width}).transpose(0, 1);
      };
      const at::Tensor scores = at::matmul(of_heads(queries), of_heads(keys).transpose(1, 2));
      const at::Tensor attention = at::softmax(scores / std::sqrt(static_cast<double>(width)), -1, at::kDouble);
      const at::Tensor places = at::arange(offsets[b + 1] - offsets[b], attention.options());
      layer.entropy += at::special_entr(attention).sum({1, 2});
      layer.distance += (attention * (places.unsqueeze(0) - places.unsqueeze(1)).abs()).sum({1, 2});
    }
  }
  tokens_ += batch.tokens();
}

AttentionStatistics AttentionMeter::result() const {
  AttentionStatistics statistics;
  for (const auto& layer : layers_) {
    statistics.entropy.push_back(means(layer.entropy, tokens_));
    statistics.distance.push_back(means(layer.distance, tokens_));
  }
  return statistics;
}

}  // namespace berth::analysis

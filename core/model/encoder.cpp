#include "core/model/encoder.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "berth/error.h"
#include "core/device/device.h"
#include "core/model/activation_checkpoint.h"
#include "core/model/attention_kernel.h"
#include "core/model/device_blocks.h"
#include "core/model/dropout.h"
#include "core/training/random.h"

namespace berth::model {

// What one layer's computation needs besides its weights.
struct Encoder::LayerRun {
  at::Tensor offsets;
  at::Tensor rows;         // the rows of the layer's input whose output is wanted; undefined: all
  at::Tensor row_offsets;  // of the sequences among these rows
  double dropout = 0;
  double attention_dropout = 0;
  DropoutKey key;
  std::uint32_t place = 0;                      // of the layer's first dropout; it has kPlaces
  std::int64_t rows_before = 0;                 // of the layer's output, in the batch that this one is a part of
  std::int64_t scores_before = 0;               // of all heads
  std::shared_ptr<const Layout> queries, keys;  // on a device

  // On a device masks are what its generator draws: anew for each layer, so that one which is computed again draws the
  // same, and so that a step repeats.
  void seed_device(at::Device device) const {
    const auto part = static_cast<std::uint64_t>(rows_before);
    if (dropout > 0 || attention_dropout > 0) device::seed(device, training::mix({key.seed, key.draw, place, part}));
  }
};

namespace {

constexpr std::int64_t kPlaces = 3;  // dropouts in a layer: probabilities, attention's output, the layer's output

// Among Encoder::parameters(): first those of the embeddings, then each layer's.
constexpr std::int64_t kEmbeddingTensors = 5;
constexpr std::int64_t kLayerTensors = 16;
constexpr std::int64_t kAdapterTensors = 6;

std::int64_t tensors_of_layer(const BertConfig& config) {
  return kLayerTensors + (config.adapter_size > 0 ? kAdapterTensors : 0);
}

void add_linear(std::vector<ParameterShape>& shapes, const std::string& name, std::int64_t out, std::int64_t in) {
  shapes.push_back({name + ".weight", {out, in}});
  shapes.push_back({name + ".bias", {out}});
}

void add_norm(std::vector<ParameterShape>& shapes, const std::string& name, std::int64_t width) {
  shapes.push_back({name + ".weight", {width}});
  shapes.push_back({name + ".bias", {width}});
}

// Every id has to be in [0, count).
void check_ids(const at::Tensor& ids, std::int64_t count, const char* what, const char* advice) {
  const at::Tensor plain = ids.contiguous();
  const auto* data = plain.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < plain.numel(); ++i) {
    if (data[i] < 0 || data[i] >= count) {
      throw Error(ErrorKind::kContent,
                  fmt::format("{} {} is outside of the model's 0 to {}: {}", what, data[i], count - 1, advice));
    }
  }
}

}  // namespace

void BatchPart::add(std::int64_t length) {
  tokens += length;
  ++sequences;
  scores += element_count(length);
}

std::vector<ParameterShape> parameter_shapes(const BertConfig& config) {
  const std::int64_t width = config.hidden_size;
  std::vector<ParameterShape> shapes;
  shapes.push_back({"embeddings.word_embeddings.weight", {config.vocab_size, width}});
  shapes.push_back({"embeddings.position_embeddings.weight", {config.max_position_embeddings, width}});
  shapes.push_back({"embeddings.token_type_embeddings.weight", {config.type_vocab_size, width}});
  add_norm(shapes, "embeddings.LayerNorm", width);
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string layer = fmt::format("encoder.layer.{}.", i);
    add_linear(shapes, layer + "attention.self.query", width, width);
    add_linear(shapes, layer + "attention.self.key", width, width);
    add_linear(shapes, layer + "attention.self.value", width, width);
    add_linear(shapes, layer + "attention.output.dense", width, width);
    add_norm(shapes, layer + "attention.output.LayerNorm", width);
    add_linear(shapes, layer + "intermediate.dense", config.intermediate_size, width);
    add_linear(shapes, layer + "output.dense", width, config.intermediate_size);
    add_norm(shapes, layer + "output.LayerNorm", width);
    if (config.adapter_size == 0) continue;
    add_norm(shapes, layer + "adapter.LayerNorm", width);
    add_linear(shapes, layer + "adapter.down", config.adapter_size, width);
    add_linear(shapes, layer + "adapter.up", width, config.adapter_size);
  }
  add_linear(shapes, "pooler.dense", width, width);
  return shapes;
}

Encoder::Encoder(const BertConfig& config, const EncoderOptions& options, StartValues start)
    : config_(config), options_(options) {
  TORCH_CHECK(options.dtype == at::kFloat || options.dtype == at::kDouble, "the encoder is float32 or float64");
  TORCH_CHECK(options.dtype == at::kFloat || options.products == Products::kOwnType,
              "bfloat16 products are for a float32 encoder");
  for (const auto& [name, shape] : parameter_shapes(config)) {
    parameters_.push_back({name, at::empty(shape, at::TensorOptions().dtype(options.dtype))});
  }
  auto next = parameters_.begin();
  const auto take = [&](std::initializer_list<at::Tensor*> members) {
    for (at::Tensor* member : members) *member = (next++)->tensor;
  };
  take({&embeddings_.word, &embeddings_.position, &embeddings_.segment, &embeddings_.norm_scale,
        &embeddings_.norm_shift});
  layers_.resize(static_cast<std::size_t>(config.num_hidden_layers));
  for (Layer& l : layers_) {
    AttentionWeights& a = l.attention;
    FeedForwardWeights& f = l.feed_forward;
    take({&a.query_weight, &a.query_bias, &a.key_weight, &a.key_bias, &a.value_weight, &a.value_bias, &a.output_weight,
          &a.output_bias, &a.norm_scale, &a.norm_shift, &f.up_weight, &f.up_bias, &f.down_weight, &f.down_bias,
          &f.norm_scale, &f.norm_shift});
    AdapterWeights& b = l.adapter;
    if (config.adapter_size > 0) {
      take({&b.norm_scale, &b.norm_shift, &b.down_weight, &b.down_bias, &b.up_weight, &b.up_bias});
    }
  }
  TORCH_CHECK(next == parameters_.begin() + kEmbeddingTensors + config.num_hidden_layers * tensors_of_layer(config));
  take({&pooler_weight_, &pooler_bias_});
  if (start == StartValues::kRandom) {
    for (std::size_t i = 0; i < parameters_.size(); ++i) initialise(i);
  }
}

void Encoder::initialise(std::size_t parameter) {
  const at::NoGradGuard no_grad;
  const auto& [name, tensor] = parameters_.at(parameter);
  const bool norm = name.find("LayerNorm") != std::string::npos;
  if (name.ends_with(".bias") || name.ends_with(".adapter.up.weight")) {
    tensor.zero_();
  } else if (norm) {
    tensor.fill_(1);
  } else {
    // Drawn on the processor: the same values wherever they go.
    const std::uint64_t seed = options_.seed + 0x9E3779B97F4A7C15 * (parameter + 1);
    const at::Tensor values = tensor.is_cpu() ? tensor : at::empty(tensor.sizes(), tensor.scalar_type());
    values.normal_(0, config_.initializer_range, at::make_generator<at::CPUGeneratorImpl>(seed));
    if (!tensor.is_cpu()) tensor.copy_(values);
  }
  if (parameter == 0 && config_.pad_token_id >= 0) tensor.select(0, config_.pad_token_id).zero_();
}

void Encoder::move_to(at::Device device) {
  for (const auto& [name, tensor] : parameters_) tensor.set_data(tensor.to(device));
}

void Encoder::check(const EncoderInput& input) const {
  std::array<at::Tensor, 3> numbers = {input.ids, input.positions, input.segments};
  if (!device().is_cpu()) {  // the two of each that tell, with one wait for the device
    std::vector<at::Tensor> extremes;
    for (const auto& all : numbers) {
      const auto [least, most] = at::aminmax(all);
      extremes.insert(extremes.end(), {least, most});
    }
    const at::Tensor here = at::stack(extremes).cpu().view({-1, 2});
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = here[static_cast<std::int64_t>(i)];
  }
  const auto& [ids, positions, segments] = numbers;
  check_ids(ids, config_.vocab_size, "token id", "the tokenizer has to be the model's own");
  check_ids(positions, config_.max_position_embeddings, "position", "cut the text to fewer tokens");
  check_ids(segments, config_.type_vocab_size, "segment", "the model knows no more segments");
}

at::Tensor Encoder::embed(const EncoderInput& input, const LayerRun& run) const {
  check(input);
  const EmbeddingRun embedding{input.ids.contiguous(),
                               input.segments.contiguous(),
                               input.positions.contiguous(),
                               config_.pad_token_id,
                               {run.dropout, run.key, 0, run.rows_before * config_.hidden_size},
                               config_.layer_norm_eps};
  if (device().is_cpu()) return embedding_block(embeddings_, embedding);
  run.seed_device(device());
  return device_embedding(embeddings_, embedding);
}

at::Tensor Encoder::apply_layer(std::int64_t stage, const at::Tensor& hidden, const LayerRun& run) const {
  AttentionRun attention;
  attention.attention = {config_.num_attention_heads, {run.attention_dropout, run.key, run.place, run.scores_before}};
  const std::int64_t before = run.rows_before * config_.hidden_size;
  attention.dropout = {run.dropout, run.key, run.place + 1, before};
  attention.epsilon = config_.layer_norm_eps;
  attention.products = options_.products;
  attention.offsets = run.offsets;
  attention.rows = run.rows;
  attention.row_offsets = run.row_offsets;
  const FeedForwardRun feed_forward{
      config_.hidden_act, {run.dropout, run.key, run.place + 2, before}, config_.layer_norm_eps, options_.products};
  const auto compute = [layer = layers_[static_cast<std::size_t>(stage - 1)], attention, feed_forward,
                        run](const at::Tensor& input) {
    const bool is_on_cpu = input.is_cpu();
    if (!is_on_cpu) run.seed_device(input.device());
    const at::Tensor middle = is_on_cpu
                                  ? attention_block(input, layer.attention, attention)
                                  : device_attention(input, layer.attention, attention, {*run.queries, *run.keys});
    const at::Tensor out = is_on_cpu ? feed_forward_block(middle, layer.feed_forward, feed_forward)
                                     : device_feed_forward(middle, layer.feed_forward, feed_forward);
    return layer.adapter.up_weight.defined() ? adapter(out, layer.adapter, feed_forward.epsilon) : out;
  };
  // Where there is no backward, there is nothing to keep either.
  const bool has_backward = at::GradMode::is_enabled() && (hidden.requires_grad() || learns(stage));
  if (!options_.activation_checkpointing || !has_backward) return compute(hidden);
  std::vector<at::Tensor> parameters;
  for (const NamedTensor& p : parameters_of(stage)) parameters.push_back(p.tensor);
  return activation_checkpoint(compute, hidden, parameters);
}

std::span<const NamedTensor> Encoder::parameters_of(std::int64_t stage) const {
  const auto in_layer = tensors_of_layer(config_);
  const std::int64_t begin = stage == 0 ? 0 : kEmbeddingTensors + (stage - 1) * in_layer;
  const std::int64_t end = kEmbeddingTensors + stage * in_layer;
  return {parameters_.begin() + begin, parameters_.begin() + end};
}

bool Encoder::learns(std::int64_t stage) const {
  const auto parameters = parameters_of(stage);
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const NamedTensor& p) { return p.tensor.requires_grad(); });
}

std::int64_t Encoder::fixed_stages(bool training) const {
  if (training && options_.frozen_dropout) return 0;
  const auto count = 1 + static_cast<std::int64_t>(layers_.size());
  std::int64_t stage = 0;
  while (stage < count && !learns(stage)) ++stage;
  return stage;
}

// Null on the processor.
std::shared_ptr<const Layout> Encoder::layout_of(const at::Tensor& offsets) const {
  if (device().is_cpu()) return nullptr;
  auto layout = make_layout(offsets, device());
  const auto type = options_.products == Products::kBFloat16 ? at::kBFloat16 : options_.dtype;
  if (!has_packed_attention(reals().dtype(type), config_.hidden_size / config_.num_attention_heads)) {
    layout.rectangle = make_rectangle(offsets, device());
  }
  return std::make_shared<const Layout>(std::move(layout));
}

// With what all layers need on a device.
EncoderInput Encoder::placed(const EncoderInput& input) const {
  EncoderInput result = input;
  if (!input.layout) result.layout = layout_of(input.offsets);
  return result;
}

Encoder::LayerRun Encoder::run_of(std::int64_t stage, const EncoderInput& input, const EncoderRun& run) const {
  LayerRun state;
  state.offsets = input.offsets;
  state.queries = state.keys = input.layout;
  state.key = run.key;
  state.rows_before = run.before.tokens;
  state.scores_before = config_.num_attention_heads * run.before.scores;
  state.place = stage == 0 ? 0 : static_cast<std::uint32_t>(1 + (stage - 1) * kPlaces);
  if (run.training && (learns(stage) || options_.frozen_dropout)) {
    state.dropout = options_.dropout.value_or(config_.hidden_dropout_prob);
    state.attention_dropout = options_.attention_dropout.value_or(config_.attention_probs_dropout_prob);
  }
  return state;
}

at::Tensor Encoder::first_hidden(const EncoderInput& input, const EncoderRun& run) const {
  return input.stages > 0 ? input.hidden : embed(input, run_of(0, input, run));
}

// [N, width] after the first `end` stages.
at::Tensor Encoder::run_stages(const EncoderInput& input, const EncoderRun& run, std::int64_t end) const {
  at::Tensor hidden = first_hidden(input, run);
  for (std::int64_t stage = std::max<std::int64_t>(1, input.stages); stage < end; ++stage) {
    hidden = apply_layer(stage, hidden, run_of(stage, input, run));
  }
  return hidden;
}

EncoderOutput Encoder::forward(const EncoderInput& given, const EncoderRun& run) const {
  const EncoderInput input = placed(given);
  const std::int64_t sequences = input.offsets.numel() - 1;
  const auto last = static_cast<std::int64_t>(layers_.size());
  const at::Tensor first_rows = device::copy_to(input.offsets.narrow(0, 0, sequences), device());
  EncoderOutput output;
  if (run.input != HeadInput::kAllTokens && input.stages <= last) {
    LayerRun state = run_of(last, input, run);
    state.rows = first_rows;
    state.rows_before = run.before.sequences;
    state.row_offsets = at::arange(sequences + 1, input.offsets.options());
    state.queries = layout_of(state.row_offsets);
    output.first = apply_layer(last, run_stages(input, run, last), state);
  } else {
    const at::Tensor hidden = run_stages(input, run, last + 1);
    if (run.input == HeadInput::kAllTokens) output.hidden = hidden;
    output.first = at::index_select(hidden, 0, first_rows);
  }
  if (run.input == HeadInput::kPooled) output.pooled = at::tanh(at::linear(output.first, pooler_weight_, pooler_bias_));
  return output;
}

at::Tensor Encoder::lower(const EncoderInput& input, std::int64_t stages) const {
  TORCH_CHECK(stages > 0 && stages <= 1 + static_cast<std::int64_t>(layers_.size()), "no such stage: ", stages);
  return run_stages(placed(input), {}, stages);
}

std::vector<at::Tensor> Encoder::hidden_states(const EncoderInput& input) const {
  std::vector<at::Tensor> states;
  EncoderInput known = placed(input);
  for (std::size_t layer = 0; layer <= layers_.size(); ++layer) {
    known.hidden = lower(known, known.stages + 1);
    ++known.stages;
    states.push_back(known.hidden);
  }
  return states;
}

}  // namespace berth::model

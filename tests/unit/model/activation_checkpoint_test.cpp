#include "core/model/activation_checkpoint.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gmock/gmock.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <memory>

#include "allocated_bytes.h"
#include "core/model/encoder.h"

namespace berth::model {
namespace {

using ::testing::HasSubstr;

BertConfig small_config() {
  BertConfig config;
  config.vocab_size = 500;
  config.hidden_size = 24;
  config.num_hidden_layers = 4;
  config.num_attention_heads = 3;
  config.intermediate_size = 96;
  return config;
}

// Texts of 7, 1 and 20 tokens, and so on.
EncoderInput some_input(std::int64_t sequences = 6) {
  std::vector<at::Tensor> positions;
  std::vector<std::int64_t> offsets = {0};
  for (std::int64_t b = 0; b < sequences; ++b) {
    const std::int64_t length = 1 + (b * 13 + 6) % 20;
    positions.push_back(at::arange(length));
    offsets.push_back(offsets.back() + length);
  }
  const at::Tensor ids = at::arange(offsets.back()) * 37 % 499 + 1;
  return {ids, at::zeros_like(ids), at::cat(positions), at::tensor(offsets, at::kLong)};
}

// As some_input(), with the hidden states above its embeddings given.
EncoderInput input_above(const at::Tensor& hidden) {
  EncoderInput input = some_input();
  input.stages = 1;
  input.hidden = hidden;
  return input;
}

EncoderOptions with_checkpointing(EncoderOptions options) {
  options.activation_checkpointing = true;
  return options;
}

// The same encoder twice; adapters and all biases have some value.
struct Pair {
  explicit Pair(const BertConfig& config = small_config(), const EncoderOptions& options = {})
      : plain(config, options), checkpointed(config, with_checkpointing(options)) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < plain.parameters().size(); ++i) {
      const at::Tensor& tensor = plain.parameters()[i].tensor;
      tensor.add_(at::randn(tensor.sizes(), tensor.options()), 0.05);
      checkpointed.parameters()[i].tensor.copy_(tensor);
    }
  }

  // frozen: beginnings of names.
  void learn_all_but(const std::vector<std::string>& frozen) const {
    for (const Encoder* encoder : {&plain, &checkpointed}) {
      for (const auto& [name, tensor] : encoder->parameters()) {
        tensor.requires_grad_(std::none_of(frozen.begin(), frozen.end(), [&name = name](const std::string& beginning) {
          return name.starts_with(beginning);
        }));
      }
    }
  }

  Encoder plain;
  Encoder checkpointed;
};

// Output and gradients.
using Results = std::vector<std::pair<std::string, at::Tensor>>;

void add_gradients(const Encoder& encoder, Results& results) {
  for (const auto& [name, tensor] : encoder.parameters()) {
    at::Tensor& gradient = tensor.mutable_grad();
    results.emplace_back(name, gradient.defined() ? gradient.to_dense().clone() : at::Tensor());
    gradient.reset();
  }
}

void expect_same_bits(const Results& a, const Results& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].second.defined(), b[i].second.defined()) << a[i].first;
    EXPECT_TRUE(!a[i].second.defined() || at::equal(a[i].second, b[i].second)) << a[i].first;
  }
}

std::int64_t defined(const Results& results) {
  return std::count_if(results.begin(), results.end(), [](const auto& result) { return result.second.defined(); });
}

const EncoderRun kRun{HeadInput::kAllTokens, true, {1, 2}};

// Every number of what the head reads counts, each in another way.
at::Tensor loss_of(const EncoderOutput& output) {
  at::Tensor sum = output.first.pow(3).sum();
  if (output.hidden.defined()) sum = sum + output.hidden.pow(3).sum();
  if (output.pooled.defined()) sum = sum + output.pooled.pow(3).sum();
  return sum;
}

Results learned(const Encoder& encoder, const EncoderInput& input, const EncoderRun& run) {
  const EncoderOutput output = encoder.forward(input, run);
  Results results = {{"hidden", output.hidden}, {"first", output.first}, {"pooled", output.pooled}};
  loss_of(output).backward();
  add_gradients(encoder, results);
  return results;
}

void expect_same_learning(const Pair& pair, const EncoderInput& input = some_input()) {
  for (const HeadInput read : {HeadInput::kAllTokens, HeadInput::kFirstToken, HeadInput::kPooled}) {
    SCOPED_TRACE(static_cast<int>(read));
    const EncoderRun run{read, true, {1, 2}, {300, 20, 9000}};
    const Results plain = learned(pair.plain, input, run);
    EXPECT_GT(defined(plain), 4);
    expect_same_bits(plain, learned(pair.checkpointed, input, run));
  }
}

TEST(ActivationCheckpoint, GivesTheSameBits) {
  EncoderOptions wide;
  wide.dtype = at::kDouble;
  EncoderOptions low;
  low.products = Products::kBFloat16;
  for (const EncoderOptions& options : {EncoderOptions(), wide, low}) {
    const Pair pair(small_config(), options);
    pair.learn_all_but({});
    expect_same_learning(pair);
  }
}

TEST(ActivationCheckpoint, GivesTheSameBitsOfAnActivationThatGoesThroughAutograd) {
  BertConfig config = small_config();
  config.hidden_act = Activation::kGeluTanh;
  const Pair pair(config);
  pair.learn_all_but({});
  expect_same_learning(pair);
}

TEST(ActivationCheckpoint, GivesTheSameBitsWithFrozenLayersBelowAndBetween) {
  for (const bool frozen_dropout : {false, true}) {
    EncoderOptions options;
    options.frozen_dropout = frozen_dropout;
    const Pair pair(small_config(), options);
    pair.learn_all_but({"embeddings", "encoder.layer.0", "encoder.layer.2"});
    expect_same_learning(pair);
    pair.learn_all_but({"encoder"});  // "study"
    expect_same_learning(pair);
    pair.learn_all_but({"embeddings", "encoder.layer.0", "encoder.layer.1.attention.output"});
    expect_same_learning(pair);
  }
}

TEST(ActivationCheckpoint, GivesTheSameBitsWithAdaptersAlone) {
  BertConfig config = small_config();
  config.adapter_size = 8;
  const Pair pair(config);
  std::vector<std::string> frozen = {"embeddings"};
  for (const auto& [name, tensor] : pair.plain.parameters()) {
    if (name.find("adapter") == std::string::npos) frozen.push_back(name);
  }
  pair.learn_all_but(frozen);
  expect_same_learning(pair);
  pair.learn_all_but({});
  expect_same_learning(pair);
}

// Two passes in one graph, as R-drop has them, on a leaf of hidden states.
TEST(ActivationCheckpoint, GivesTheSameBitsOfTwoPassesAndOfTheInput) {
  const Pair pair;
  pair.learn_all_but({});
  const at::Tensor start = pair.plain.lower(some_input(), 1).detach();
  const auto both = [&](const Encoder& encoder) {
    const EncoderInput input = input_above(start.clone().requires_grad_(true));
    const at::Tensor one = encoder.forward(input, kRun).hidden;
    const at::Tensor other = encoder.forward(input, {HeadInput::kAllTokens, true, {1, 3}}).hidden;
    (one.pow(3) * other).sum().backward();
    Results results = {{"one", one}, {"other", other}, {"input", input.hidden.grad()}};
    add_gradients(encoder, results);
    return results;
  };
  const Results plain = both(pair.plain);
  EXPECT_TRUE(plain[2].second.defined());
  expect_same_bits(plain, both(pair.checkpointed));
}

// As SMART and the adversary do: the input's gradient alone at first, then all.
TEST(ActivationCheckpoint, GivesTheInputsGradientAloneAndLeavesTheParametersAsTheyAre) {
  const Pair pair;
  pair.learn_all_but({});
  const at::Tensor start = pair.plain.lower(some_input(), 1).detach();
  const auto moved = [&](const Encoder& encoder) {
    EncoderInput input = input_above(start.clone().requires_grad_(true));
    const at::Tensor first = encoder.forward(input, kRun).hidden.pow(3).sum();
    const at::Tensor gradient = torch::autograd::grad({first}, {input.hidden}).front();
    for (const auto& [name, tensor] : encoder.parameters()) EXPECT_FALSE(tensor.grad().defined()) << name;
    input.hidden = start + gradient.sign() * 0.1;
    Results results = {{"gradient", gradient}};
    encoder.forward(input, kRun).hidden.pow(3).sum().backward();
    add_gradients(encoder, results);
    return results;
  };
  expect_same_bits(moved(pair.plain), moved(pair.checkpointed));
}

struct Count final : torch::autograd::PostAccumulateGradHook {
  explicit Count(int& to) : calls(to) {}
  void operator()(const at::Tensor&) override { ++calls; }
  int& calls;
};

// What tells data parallel training that a gradient is whole.
TEST(ActivationCheckpoint, AddsToAParametersGradientOnceABackward) {
  const Pair pair;
  pair.learn_all_but({"encoder.layer.1.output"});
  const auto& parameters = pair.checkpointed.parameters();
  std::vector<int> calls(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].tensor.requires_grad()) continue;
    torch::autograd::impl::set_post_acc_grad_hooks(parameters[i].tensor, std::make_unique<Count>(calls[i]));
  }
  const auto loss = [&] { return loss_of(pair.checkpointed.forward(some_input(), kRun)); };
  (loss() + loss()).backward();
  loss().backward();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, tensor] = parameters[i];
    EXPECT_EQ(calls[i], tensor.requires_grad() && !name.starts_with("pooler") ? 2 : 0) << name;
    if (tensor.requires_grad()) torch::autograd::impl::set_post_acc_grad_hooks(tensor, nullptr);
  }
}

TEST(ActivationCheckpoint, KeepsNoGraphOfWhatIsFrozenOrWithoutGradients) {
  const Pair pair;
  pair.learn_all_but({"embeddings", "encoder", "pooler"});
  EXPECT_EQ(pair.checkpointed.forward(some_input(), kRun).hidden.grad_fn(), nullptr);
  pair.learn_all_but({});
  const at::NoGradGuard no_grad;
  EXPECT_EQ(pair.checkpointed.forward(some_input(), kRun).hidden.grad_fn(), nullptr);
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const c10::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ActivationCheckpoint, WhatItCannotDoIsAnErrorNotAWrongGradient) {
  const Pair pair;
  pair.learn_all_but({});
  const auto loss = [&] { return loss_of(pair.checkpointed.forward(some_input(), kRun)); };
  const at::Tensor& bias = pair.checkpointed.parameters()[6].tensor;
  EXPECT_THAT(error_of([&] {
                const at::Tensor before = loss();
                const at::NoGradGuard no_grad;
                bias.add_(1);
                before.backward();
              }),
              HasSubstr("modified by an inplace operation"));
  EXPECT_THAT(error_of([&] { torch::autograd::grad({loss()}, {bias}, {}, std::nullopt, /*create_graph=*/true); }),
              HasSubstr("no second derivative"));
}

struct Usage {
  std::int64_t kept, peak;  // after a forward pass, and up to the end of its backward; of [tokens, width]
};

Usage usage_of(const Encoder& encoder) {
  EncoderInput input = some_input(80);
  input.hidden = encoder.lower(input, 1).detach();
  input.stages = 1;
  const auto memory = std::make_shared<berth::testing::AllocatedBytes>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
  const at::Tensor out = encoder.forward(input, kRun).hidden;
  const auto state = static_cast<std::int64_t>(out.nbytes());
  const Usage usage{memory->held() / state, 0};
  out.sum().backward();
  return {usage.kept, memory->peak() / state};
}

TEST(ActivationCheckpoint, KeepsALayersInputAlone) {
  BertConfig config = small_config();
  config.num_hidden_layers = 12;
  const Pair pair(config);
  pair.learn_all_but({});
  const Usage plain = usage_of(pair.plain);
  const Usage checkpointed = usage_of(pair.checkpointed);
  EXPECT_GE(plain.kept, 12 * 10);  // a layer: query, key, value, normal, ..., and 4 for the activation's input
  EXPECT_EQ(checkpointed.kept, 12);
  EXPECT_LT(checkpointed.peak, plain.peak / 2);
}

}  // namespace
}  // namespace berth::model

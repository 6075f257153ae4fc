// The fused halves of a layer against the same computed by LibTorch's operators and its autograd.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/model/activation.h"
#include "core/model/attention_block.h"
#include "core/model/feed_forward_block.h"
#include "core/model/layer_kernels.h"
#include "gradients.h"
#include "instruction_sets.h"
#include "reference.h"

namespace berth::model {
namespace {

using testing::difference;
using testing::gradients;
using testing::masked;
using Tensors = std::vector<at::Tensor>;
constexpr DropoutKey kKey{7, 9};
constexpr double kEpsilon = 1e-12;

at::Tensor leaf(at::IntArrayRef shape, at::ScalarType type, double size = 1) {
  return (at::randn(shape, type) * size).requires_grad_(true);
}

at::Tensor residual_norm_of(const at::Tensor& input, const at::Tensor& residual, const at::Tensor& scale,
                            const at::Tensor& shift, const DropoutRun& run) {
  return at::layer_norm(masked(input, run) + residual, {input.size(1)}, scale, shift, kEpsilon);
}

FeedForwardWeights feed_forward_weights(std::int64_t width, std::int64_t inner, at::ScalarType type) {
  return {leaf({inner, width}, type, 0.3),
          leaf({inner}, type),
          leaf({width, inner}, type, 0.3),
          leaf({width}, type),
          leaf({width}, type),
          leaf({width}, type)};
}

Tensors leaves(const at::Tensor& hidden, const FeedForwardWeights& w) {
  return {hidden, w.up_weight, w.up_bias, w.down_weight, w.down_bias, w.norm_scale, w.norm_shift};
}

at::Tensor stock(const at::Tensor& hidden, const FeedForwardWeights& w, const FeedForwardRun& run) {
  const at::Tensor up = activate(run.activation, at::linear(hidden, w.up_weight, w.up_bias));
  return residual_norm_of(at::linear(up, w.down_weight, w.down_bias), hidden, w.norm_scale, w.norm_shift, run.dropout);
}

AttentionWeights attention_weights(std::int64_t width, at::ScalarType type) {
  const auto weight = [&] { return leaf({width, width}, type, 0.3); };
  const auto bias = [&] { return leaf({width}, type); };
  return {weight(), bias(), weight(), bias(), weight(), bias(), weight(), bias(), bias(), bias()};
}

Tensors leaves(const at::Tensor& hidden, const AttentionWeights& w) {
  return {hidden,       w.query_weight,  w.query_bias,  w.key_weight, w.key_bias,  w.value_weight,
          w.value_bias, w.output_weight, w.output_bias, w.norm_scale, w.norm_shift};
}

// Without dropout on the probabilities: attention_test.cpp has that.
at::Tensor stock(const at::Tensor& hidden, const AttentionWeights& w, const AttentionRun& run) {
  const std::int64_t width = hidden.size(1) / run.attention.heads;
  Tensors sequences;
  for (std::int64_t b = 0; b + 1 < run.offsets.numel(); ++b) {
    const auto first = run.offsets[b].item<std::int64_t>();
    const at::Tensor part = hidden.narrow(0, first, run.offsets[b + 1].item<std::int64_t>() - first);
    Tensors heads;
    for (std::int64_t head = 0; head < run.attention.heads; ++head) {
      const auto project = [&](const at::Tensor& weight, const at::Tensor& bias) {
        return at::linear(part, weight, bias).narrow(1, head * width, width);
      };
      const at::Tensor scores =
          at::matmul(project(w.query_weight, w.query_bias), project(w.key_weight, w.key_bias).t()) /
          std::sqrt(static_cast<double>(width));
      heads.push_back(at::matmul(at::softmax(scores, 1), project(w.value_weight, w.value_bias)));
    }
    sequences.push_back(at::cat(heads, 1));
  }
  at::Tensor context = at::cat(sequences);
  at::Tensor source = hidden;
  if (run.rows.defined()) {
    context = at::index_select(context, 0, run.rows);
    source = at::index_select(hidden, 0, run.rows);
  }
  return residual_norm_of(at::linear(context, w.output_weight, w.output_bias), source, w.norm_scale, w.norm_shift,
                          run.dropout);
}

AttentionRun attention_run(std::int64_t heads, double p) {
  AttentionRun run;
  run.attention = {heads, {0, kKey, 1}};
  run.dropout = {p, kKey, 2};
  run.epsilon = kEpsilon;
  run.offsets = at::tensor({0, 1, 71, 90, 153}, at::kLong);
  return run;
}

AttentionRun first_rows_of(AttentionRun run) {
  run.rows = run.offsets.narrow(0, 0, run.offsets.numel() - 1);
  run.row_offsets = at::arange(run.offsets.numel(), at::kLong);
  return run;
}

// Relative to the largest value, as sums over rows grow with them.
void expect_equal(const at::Tensor& ours, const at::Tensor& theirs, const Tensors& inputs) {
  const double allowed = ours.scalar_type() == at::kFloat ? 2e-5 : 1e-12;
  EXPECT_LT(difference(ours, theirs), allowed);
  const Tensors found = gradients(ours, inputs);
  const Tensors expected = gradients(theirs, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_LT(difference(found[i], expected[i]), allowed * std::max(1.0, expected[i].abs().max().item<double>())) << i;
  }
}

TEST(FeedForwardBlock, EqualsLibTorchWithItsGradients) {
  testing::for_instruction_sets([] {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      for (const std::int64_t width : {7, 40, 96}) {
        for (const double p : {0.0, 0.3}) {
          const at::Tensor hidden = leaf({131, width}, type);
          const auto weights = feed_forward_weights(width, 2 * width + 1, type);
          const FeedForwardRun run{Activation::kGelu, {p, kKey, 3}, kEpsilon};
          expect_equal(feed_forward_block(hidden, weights, run), stock(hidden, weights, run), leaves(hidden, weights));
        }
      }
    }
  });
}

TEST(FeedForwardBlock, DoesEveryActivation) {
  for (const std::string& name : activation_names()) {
    SCOPED_TRACE(name);
    const at::Tensor hidden = leaf({9, 12}, at::kDouble);
    const auto weights = feed_forward_weights(12, 20, at::kDouble);
    const FeedForwardRun run{*activation_named(name), {0.1, kKey, 3}, kEpsilon};
    expect_equal(feed_forward_block(hidden, weights, run), stock(hidden, weights, run), leaves(hidden, weights));
  }
}

TEST(Gelu, HoldsEverywhereAndNanShows) {
  testing::for_instruction_sets([] {
    std::vector<float> in{-1e30F, -40,   -5.61F, -5.59F, 0,
                          5.59F,  5.61F, 40,     1e30F,  std::numeric_limits<float>::quiet_NaN()};
    for (float x = -8; x < 8; x += 0.01F) in.push_back(x);
    const auto count = static_cast<std::int64_t>(in.size());
    const std::vector<float> bias(in.size(), 0);
    std::vector<float> out(in.size()), again(in.size()), gradient(in.size(), 1), sums(in.size(), 0);
    bias_gelu(Extent{1, count}, in.data(), bias.data(), out.data());
    bias_gelu_backward(Extent{1, count},
                       GeluBackward<float>{in.data(), bias.data(), again.data(), gradient.data(), sums.data()});
    EXPECT_TRUE(std::isnan(out[9]) && std::isnan(again[9]) && std::isnan(gradient[9]));
    for (std::size_t i = 0; i < in.size(); ++i) {
      if (i == 9) continue;
      const double x = in[i];
      const double distribution = 0.5 * std::erfc(-x / std::sqrt(2.0));
      const double density = std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
      EXPECT_NEAR(out[i], x * distribution, 2e-7 * std::max(1.0, x)) << x;
      EXPECT_NEAR(gradient[i], distribution + x * density, 4e-7) << x;
      EXPECT_EQ(out[i], again[i]) << x;
      EXPECT_EQ(sums[i], gradient[i]) << x;
    }
  });
}

TEST(FeedForwardBlock, PassesTheGradientCheck) {
  const at::Tensor hidden = leaf({5, 6}, at::kDouble);
  const auto weights = feed_forward_weights(6, 11, at::kDouble);
  const FeedForwardRun run{Activation::kGelu, {0.3, kKey, 3}, kEpsilon};
  const at::Tensor factors = at::randn({5, 6}, at::kDouble);
  const auto f = [&] { return (feed_forward_block(hidden, weights, run) * factors).sum(); };
  EXPECT_LT(testing::gradient_error(f, leaves(hidden, weights)), 1e-7);
}

TEST(AttentionBlock, EqualsLibTorchWithItsGradients) {
  testing::for_instruction_sets([] {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      for (const std::int64_t width : {9, 48}) {
        for (const double p : {0.0, 0.3}) {
          const AttentionRun all = attention_run(3, p);
          for (const AttentionRun& run : {all, first_rows_of(all)}) {
            const at::Tensor hidden = leaf({153, width}, type);
            const auto weights = attention_weights(width, type);
            expect_equal(attention_block(hidden, weights, run), stock(hidden, weights, run), leaves(hidden, weights));
          }
        }
      }
    }
  });
}

TEST(AttentionBlock, PassesTheGradientCheckWithAllDropouts) {
  AttentionRun all = attention_run(2, 0.3);
  all.attention.dropout.p = 0.2;
  all.offsets = at::tensor({0, 3, 4, 9}, at::kLong);
  for (const AttentionRun& run : {all, first_rows_of(all)}) {
    const at::Tensor hidden = leaf({9, 8}, at::kDouble);
    const auto weights = attention_weights(8, at::kDouble);
    const at::Tensor factors = at::randn({run.rows.defined() ? 3 : 9, 8}, at::kDouble);
    const auto f = [&] { return (attention_block(hidden, weights, run) * factors).sum(); };
    EXPECT_LT(testing::gradient_error(f, leaves(hidden, weights)), 1e-7);
  }
}

// Any input alone may be what learns: its gradient must not depend on what else does.
TEST(Blocks, GradientsAreTheSameWhateverElseIsFrozen) {
  const auto check = [](const auto& output, const Tensors& inputs) {
    const Tensors expected = gradients(output(), inputs);
    for (const at::Tensor& input : inputs) input.set_requires_grad(false);
    EXPECT_FALSE(output().requires_grad());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i].set_requires_grad(true);
      EXPECT_TRUE(at::equal(gradients(output(), {inputs[i]})[0], expected[i])) << i;
      inputs[i].set_requires_grad(false);
    }
  };
  const at::Tensor hidden = leaf({153, 24}, at::kDouble);
  const auto feed_forward = feed_forward_weights(24, 40, at::kDouble);
  for (const Activation activation : {Activation::kGelu, Activation::kRelu}) {
    const FeedForwardRun run{activation, {0.2, kKey, 3}, kEpsilon};
    for (const at::Tensor& input : leaves(hidden, feed_forward)) input.set_requires_grad(true);
    check([&] { return feed_forward_block(hidden, feed_forward, run); }, leaves(hidden, feed_forward));
  }
  const auto attention = attention_weights(24, at::kDouble);
  const AttentionRun all = attention_run(2, 0.2);
  for (const AttentionRun& run : {all, first_rows_of(all)}) {
    for (const at::Tensor& input : leaves(hidden, attention)) input.set_requires_grad(true);
    check([&] { return attention_block(hidden, attention, run); }, leaves(hidden, attention));
  }
}

// Of the largest value. bfloat16 has 8 bits: factors are off by up to 0.4%, sums of many by less than that.
void expect_near_but_rounded(const at::Tensor& low, const at::Tensor& full) {
  const double error = difference(low, full) / full.abs().max().item<double>();
  EXPECT_LT(error, 0.02);
  EXPECT_GT(error, 1e-4) << "not in bfloat16";
  EXPECT_EQ(low.scalar_type(), at::kFloat);
}

TEST(Blocks, BFloat16ProductsAreNearTheFullOnes) {
  at::manual_seed(11);
  const at::Tensor hidden = leaf({153, 24}, at::kFloat);
  const auto check = [](const at::Tensor& low, const at::Tensor& full, const Tensors& inputs) {
    expect_near_but_rounded(low, full);
    const Tensors found = gradients(low, inputs);
    const Tensors expected = gradients(full, inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) expect_near_but_rounded(found[i], expected[i]);
  };
  const auto feed_forward = feed_forward_weights(24, 40, at::kFloat);
  FeedForwardRun up{Activation::kGelu, {0.2, kKey, 3}, kEpsilon};
  const at::Tensor full = feed_forward_block(hidden, feed_forward, up);
  up.products = Products::kBFloat16;
  // The last shift's gradient has no product in it.
  Tensors learned = leaves(hidden, feed_forward);
  learned.pop_back();
  check(feed_forward_block(hidden, feed_forward, up), full, learned);

  const auto attention = attention_weights(24, at::kFloat);
  const AttentionRun all = attention_run(2, 0.2);
  for (AttentionRun run : {all, first_rows_of(all)}) {
    const at::Tensor expected = attention_block(hidden, attention, run);
    run.products = Products::kBFloat16;
    Tensors inputs = leaves(hidden, attention);
    inputs.pop_back();
    inputs.erase(inputs.begin() + 4);  // the key bias: its true gradient is zero
    check(attention_block(hidden, attention, run), expected, inputs);
  }
}

TEST(Blocks, ElementwiseWorkIsTheSameForAnyNumberOfThreads) {
  // As many rows as make LibTorch's own sums over them depend on the threads.
  const at::Tensor hidden = at::randn({2048, 770});
  const at::Tensor input = at::randn({2048, 770});
  const at::Tensor bias = at::randn({770});
  const NormWeights weights{at::randn({770}), at::randn({770}), kEpsilon};
  const DropoutRun dropout{0.1, kKey, 3};
  const int threads = at::get_num_threads();
  const auto run = [&](int count) {
    at::set_num_threads(count);
    const auto kept = residual_norm(input.clone(), bias, hidden, weights, dropout, Keep::kForBackward);
    const auto result = residual_norm_backward(hidden, kept, weights, dropout);
    return Tensors{kept.out, result.residual, result.input, result.bias, result.scale, result.shift};
  };
  const Tensors one = run(1);
  const Tensors three = run(3);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << i;
}

TEST(Blocks, RefuseASecondDerivative) {
  const at::Tensor hidden = leaf({5, 6}, at::kDouble);
  const auto weights = feed_forward_weights(6, 11, at::kDouble);
  const at::Tensor loss = feed_forward_block(hidden, weights, {Activation::kGelu, {}, kEpsilon}).pow(2).sum();
  EXPECT_THROW(torch::autograd::grad({loss}, {hidden}, {}, true, true), c10::Error);
}

}  // namespace
}  // namespace berth::model

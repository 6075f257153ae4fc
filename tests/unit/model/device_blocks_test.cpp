// The blocks for devices, on the processor, against its own.
#include "core/model/device_blocks.h"

#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "tests/unit/model/reference.h"

namespace berth::model {
namespace {

using berth::testing::difference;
using berth::testing::gradients;

constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kInner = 24;

at::Tensor learned(at::IntArrayRef sizes) { return at::randn(sizes, at::kDouble).set_requires_grad(true); }

void expect_alike(const at::Tensor& found, const at::Tensor& expected, const std::vector<at::Tensor>& inputs) {
  EXPECT_LT(difference(found, expected), 1e-12);
  const auto own = gradients(found, inputs);
  const auto others = gradients(expected, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor other = others[i].is_sparse() ? others[i].to_dense() : others[i];
    EXPECT_LT(difference(own[i], other), 1e-11) << i;
  }
}

TEST(DeviceBlocks, EmbeddingsAreTheProcessors) {
  const EmbeddingWeights w{learned({9, kWidth}), learned({2, kWidth}), learned({12, kWidth}), learned({kWidth}),
                           learned({kWidth})};
  const at::Tensor ids = at::tensor({0, 4, 4, 0, 8, 3}, at::kLong);
  const EmbeddingRun run{
      ids, at::tensor({0, 0, 1, 1, 0, 0}, at::kLong), at::tensor({0, 1, 2, 3, 0, 1}, at::kLong), 0, {}, 1e-12};
  expect_alike(device_embedding(w, run), embedding_block(w, run),
               {w.word, w.segment, w.position, w.norm_scale, w.norm_shift});
}

TEST(DeviceBlocks, AttentionIsTheProcessorsOfAllTokensAndOfTheFirst) {
  const auto matrix = [] { return learned({kWidth, kWidth}); };
  const auto row = [] { return learned({kWidth}); };
  const AttentionWeights w{matrix(), row(), matrix(), row(), matrix(), row(), matrix(), row(), row(), row()};
  const at::Tensor hidden = learned({10, kWidth});
  AttentionRun run;
  run.attention.heads = 2;
  run.epsilon = 1e-12;
  run.offsets = at::tensor({0, 1, 6, 10}, at::kLong);
  const auto with_rectangle = [](const at::Tensor& offsets) {
    Layout layout = make_layout(offsets, at::kCPU);
    layout.rectangle = make_rectangle(offsets, at::kCPU);
    return layout;
  };
  const Layout keys = with_rectangle(run.offsets);
  const std::vector<at::Tensor> inputs = {hidden,       w.query_weight,  w.query_bias,  w.key_weight, w.value_weight,
                                          w.value_bias, w.output_weight, w.output_bias, w.norm_scale, w.norm_shift};
  expect_alike(device_attention(hidden, w, run, {keys, keys}), attention_block(hidden, w, run), inputs);
  run.rows = at::tensor({0, 1, 6}, at::kLong);
  run.row_offsets = at::tensor({0, 1, 2, 3}, at::kLong);
  const Layout queries = with_rectangle(run.row_offsets);
  expect_alike(device_attention(hidden, w, run, {queries, keys}), attention_block(hidden, w, run), inputs);
}

TEST(DeviceBlocks, FeedForwardIsTheProcessorsForEveryActivation) {
  const FeedForwardWeights w{learned({kInner, kWidth}), learned({kInner}), learned({kWidth, kInner}),
                             learned({kWidth}),         learned({kWidth}), learned({kWidth})};
  const at::Tensor hidden = learned({7, kWidth});
  for (const auto activation : {Activation::kGelu, Activation::kRelu}) {
    const FeedForwardRun run{activation, {}, 1e-12};
    expect_alike(device_feed_forward(hidden, w, run), feed_forward_block(hidden, w, run),
                 {hidden, w.up_weight, w.up_bias, w.down_weight, w.down_bias, w.norm_scale, w.norm_shift});
  }
}

TEST(Layout, PutsEachRowInItsPlace) {
  const at::Tensor offsets = at::tensor({0, 2, 3, 6}, at::kLong);
  const Layout layout = make_layout(offsets, at::kCPU);
  EXPECT_EQ(layout.longest, 3);
  EXPECT_EQ(layout.offsets.scalar_type(), at::kInt);
  EXPECT_TRUE(layout.offsets.equal(offsets.to(at::kInt)));
  const Rectangle rectangle = make_rectangle(offsets, at::kCPU);
  EXPECT_EQ(rectangle.sequences, 3);
  EXPECT_EQ(rectangle.longest, 3);
  EXPECT_TRUE(rectangle.places.equal(at::tensor({0, 1, 3, 6, 7, 8}, at::kLong)));
  EXPECT_TRUE(rectangle.rows.index_select(0, rectangle.places).equal(at::arange(6, at::kLong)));
  EXPECT_TRUE(rectangle.mask.flatten().equal(at::tensor({1, 1, 0, 1, 0, 0, 1, 1, 1}, at::kLong).to(at::kBool)));
}

}  // namespace
}  // namespace berth::model

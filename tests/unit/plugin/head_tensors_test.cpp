#include "core/plugin/head_tensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

namespace berth::plugin {
namespace {

struct CountingHead final : Head {
  at::Tensor weight = register_parameter("weight", at::ones({2}));
  at::Tensor scale = register_buffer("scale", at::ones({2}));
  at::Tensor count = register_buffer("count", at::arange(2));

  HeadInput input() const override { return HeadInput::kPooled; }
  Outputs forward(const Encoded&) override { return {}; }
  Loss loss(const Outputs&, const Batch&, LossDetail) override { return {}; }
};

TEST(HeadTensorsTest, ConvertsRealNumbersAlone) {
  CountingHead head;
  convert(head, at::kDouble);
  EXPECT_EQ(head.weight.scalar_type(), at::kDouble);
  EXPECT_TRUE(head.weight.requires_grad());
  EXPECT_EQ(head.scale.scalar_type(), at::kDouble);
  EXPECT_EQ(head.count.scalar_type(), at::kLong);
}

}  // namespace
}  // namespace berth::plugin

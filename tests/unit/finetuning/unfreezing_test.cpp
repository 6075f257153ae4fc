#include "core/finetuning/unfreezing.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::finetuning {
namespace {

TEST(Unfreezing, BeginsAtTheTop) {
  training::ParameterPlan plan;
  for (const auto* name : {"embeddings.LayerNorm.bias", "encoder.layer.0.output.dense.bias",
                           "encoder.layer.1.output.dense.bias", "pooler.dense.bias", "heads.a.bias"}) {
    plan.parameters.push_back({name, at::zeros({1}), training::group_of(name)});
    plan.parameters.back().tensor.set_requires_grad(true);
  }
  plan.parameters.push_back(
      {"encoder.layer.1.output.dense.weight", at::zeros({1}), "layers.1", training::Status::kFrozen});
  const Unfreezing unfreezing(plan, 2, 30);
  const auto learns = [&](std::int64_t step) {
    unfreezing.set(step);
    std::vector<bool> result;
    for (const auto& p : plan.parameters) result.push_back(p.tensor.requires_grad());
    return result;
  };
  using testing::ElementsAre;
  EXPECT_THAT(learns(0), ElementsAre(false, false, false, true, true, false));
  EXPECT_THAT(learns(9), ElementsAre(false, false, false, true, true, false));
  EXPECT_THAT(learns(10), ElementsAre(false, false, true, true, true, false));
  EXPECT_THAT(learns(20), ElementsAre(false, true, true, true, true, false));
  EXPECT_THAT(learns(29), ElementsAre(false, true, true, true, true, false));
  EXPECT_THAT(learns(30), ElementsAre(true, true, true, true, true, false));
}

}  // namespace
}  // namespace berth::finetuning

#include "core/finetuning/weight_average.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace berth::finetuning {
namespace {

using training::Status;

TEST(WeightAverage, StandsInTheParametersPlaceForAWhile) {
  const auto options = at::TensorOptions(at::kDouble);
  const at::Tensor trained = at::ones({3, 2}, options), adapted = at::ones({2}, options);
  const at::Tensor frozen = at::ones({2}, options), matrix = at::ones({2}, options);
  training::ParameterPlan plan;
  plan.parameters = {{"heads.a.weight", trained, "heads.a"},
                     {"encoder.layer.0.attention.self.query.weight", adapted, "layers.0", Status::kAdapted},
                     {"encoder.layer.0.output.dense.weight", frozen, "layers.0", Status::kFrozen},
                     {"encoder.layer.0.attention.self.query.lora_A.weight", matrix, "layers.0"}};
  WeightAverage average(plan);
  const auto all = [&](double t, double f) {
    EXPECT_TRUE(at::allclose(trained, at::full({3, 2}, t, options)));
    EXPECT_TRUE(at::allclose(adapted, at::full({2}, t, options)));
    EXPECT_TRUE(at::allclose(frozen, at::full({2}, f, options)));
    EXPECT_TRUE(at::allclose(matrix, at::full({2}, f, options)));
  };
  {
    const WeightAverage::Placed none(average);
    all(1, 1);
  }
  for (const double value : {2.0, 3.0, 7.0}) {
    for (const auto& p : plan.parameters) p.tensor.fill_(value);
    average.add();
  }
  {
    const WeightAverage::Placed placed(average);
    all(4, 7);
    {
      const WeightAverage::Placed again(average);
      all(4, 7);
    }
    all(4, 7);
  }
  all(7, 7);
}

}  // namespace
}  // namespace berth::finetuning

#include "core/training/adamw_device.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include <cmath>

namespace berth::training {
namespace {

// LibTorch has the fused operation for the processor, too.
TEST(DeviceAdamW, IsTorchsOptimizerForEveryRateDecayAndAge) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    std::vector<DeviceUpdate> updates;
    std::vector<at::Tensor> expected;
    std::vector<torch::optim::OptimizerParamGroup> groups;
    const double rates[] = {1e-2, 3e-3, 1e-2};
    const double decays[] = {0.1, 0.1, 0};
    for (int i = 0; i < 3; ++i) {
      const at::Tensor parameter = at::randn({7, 5}, type);
      updates.push_back({parameter, {}, at::zeros_like(parameter), at::zeros_like(parameter), rates[i], decays[i]});
      expected.push_back(parameter.clone().set_requires_grad(true));
      auto options = std::make_unique<torch::optim::AdamWOptions>(rates[i]);
      options->betas({0.8, 0.95}).eps(1e-6).weight_decay(decays[i]);
      groups.emplace_back(std::vector<at::Tensor>{expected.back()}, std::move(options));
    }
    torch::optim::AdamW optimizer(groups);
    for (int step = 1; step <= 4; ++step) {
      std::vector<DeviceUpdate> due;
      for (int i = 0; i < 3; ++i) {
        expected[i].mutable_grad().reset();
        if (i == 1 && step == 2) continue;  // the task of this one is not in the step
        const at::Tensor gradient = at::randn({7, 5}, type);
        expected[i].mutable_grad() = gradient * 0.25;
        updates[i].gradient = gradient.clone();
        ++updates[i].step;
        due.push_back(updates[i]);
      }
      optimizer.step();
      device_adamw(due, {0.8, 0.95, 1e-6, 0.25});
      for (int i = 0; i < 3; ++i) {
        EXPECT_TRUE(at::allclose(updates[i].parameter, expected[i].detach(), 1e-5, type == at::kFloat ? 1e-6 : 1e-12))
            << step << ' ' << i;
      }
    }
  }
}

TEST(DeviceAdamW, TheNormIsOfAllGradientsTogether) {
  const at::Tensor a = at::randn({3, 4});
  const at::Tensor b = at::randn({5}, at::kDouble);
  const double expected = std::sqrt(a.square().sum(at::kDouble).item<double>() + b.square().sum().item<double>());
  EXPECT_NEAR(device_norm({a, b}), expected, 1e-6);
}

}  // namespace
}  // namespace berth::training

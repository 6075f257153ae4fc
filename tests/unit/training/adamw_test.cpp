#include "core/training/adamw.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <limits>

#include "saved_state.h"

namespace berth::training {
namespace {

ParameterPlan plan_of(const std::vector<at::Tensor>& tensors, double rate, const std::vector<double>& decays) {
  ParameterPlan plan;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    tensors[i].set_requires_grad(true);
    plan.parameters.push_back({"p" + std::to_string(i), tensors[i], "group", Status::kTrained, rate, decays[i]});
  }
  return plan;
}

std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  for (const auto& t : tensors) result.push_back(t.detach().clone().set_requires_grad(true));
  return result;
}

// Against LibTorch's own optimizer and clipping, over steps in which gradients are large, small and clipped.
TEST(AdamW, EqualsLibTorchsOwnWithClippingAndDecay) {
  at::manual_seed(1);
  const auto options = at::TensorOptions(at::kDouble);
  const std::vector<at::Tensor> ours = {at::randn({7, 5}, options), at::randn({11}, options)};
  auto theirs = copies(ours);
  suite::OptimizerConfig config;
  config.beta2 = 0.99;
  AdamW optimizer(plan_of(ours, 1e-2, {0.1, 0.0}), config);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    auto group = std::make_unique<torch::optim::AdamWOptions>(1e-2);
    group->betas({0.9, 0.99}).eps(config.epsilon).weight_decay(i == 0 ? 0.1 : 0.0);
    groups.emplace_back(std::vector<at::Tensor>{theirs[i]}, std::move(group));
  }
  torch::optim::AdamW reference(groups, torch::optim::AdamWOptions(1e-2));

  for (int step = 0; step < 20; ++step) {
    const double size = step % 3 == 0 ? 10.0 : 0.01;
    std::vector<at::Tensor> gradients = {at::randn({7, 5}, options) * size, at::randn({11}, options) * size};
    for (std::size_t i = 0; i < ours.size(); ++i) {
      ours[i].mutable_grad() = gradients[i] * 4;  // as a sum over a count of 4
      theirs[i].mutable_grad() = gradients[i].clone();
    }
    const double factor = 1.0 - step / 25.0;
    const double norm = torch::nn::utils::clip_grad_norm_(theirs, 1.0);
    for (auto& group : reference.param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(1e-2 * factor);
    }
    reference.step();
    EXPECT_NEAR(optimizer.step(0.25, 1.0, {factor}).norm, norm, 1e-12 * norm);
  }
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_TRUE(at::allclose(ours[i], theirs[i], 1e-12, 1e-13)) << i;
}

TEST(AdamW, AParameterWithoutGradientStaysAndKeepsItsOwnCountOfSteps) {
  const std::vector<at::Tensor> tensors = {at::ones({3}), at::ones({3})};
  AdamW optimizer(plan_of(tensors, 0.1, {0.5, 0.5}), {});
  for (int step = 0; step < 3; ++step) {
    tensors[0].mutable_grad() = at::ones({3});
    optimizer.step(1, 0, {1.0});
  }
  EXPECT_TRUE(at::equal(tensors[1], at::ones({3})));
  EXPECT_FALSE(at::equal(tensors[0], at::ones({3})));

  // Its first step is a first step: bias correction makes it rate * sign(gradient), after decay.
  tensors[1].mutable_grad() = at::full({3}, 123.0);
  optimizer.step(1, 0, {1.0});
  EXPECT_TRUE(at::allclose(tensors[1], at::full({3}, 1 - 0.1 * 0.5 - 0.1), 1e-5, 1e-6));
  EXPECT_FALSE(tensors[1].grad().defined()) << "gradients are freed";
}

TEST(AdamW, EachParameterFollowsItsOwnSchedule) {
  const std::vector<at::Tensor> tensors = {at::zeros({1}), at::zeros({1})};
  auto plan = plan_of(tensors, 0.1, {0, 0});
  plan.parameters[1].schedule = 1;
  AdamW optimizer(plan, {});
  for (const auto& tensor : tensors) tensor.mutable_grad() = at::ones({1});
  optimizer.step(1, 0, {0.5, 0.25});
  EXPECT_NEAR(tensors[0].item<double>(), -0.05, 1e-6);
  EXPECT_NEAR(tensors[1].item<double>(), -0.025, 1e-6);
}

TEST(AdamW, ANormThatIsNotFiniteChangesNothing) {
  const std::vector<at::Tensor> tensors = {at::ones({2})};
  AdamW optimizer(plan_of(tensors, 0.1, {0.1}), {});
  tensors[0].mutable_grad() = at::full({2}, std::numeric_limits<float>::infinity());
  EXPECT_FALSE(std::isfinite(optimizer.step(1, 1, {1.0}).norm));
  EXPECT_TRUE(at::equal(tensors[0], at::ones({2})));
}

// Decoupled decay of the distance from the anchor, which is decay of w in a w that starts at the anchor.
TEST(AdamW, DecaysTowardsAnAnchor) {
  at::manual_seed(3);
  const auto options = at::TensorOptions(at::kDouble);
  const at::Tensor anchor = at::randn({6, 4}, options);
  const at::Tensor pulled = anchor.clone(), distance = at::zeros({6, 4}, options);
  auto plan = plan_of({pulled}, 1e-2, {0.5});
  plan.parameters[0].anchor = anchor;
  AdamW optimizer(plan, {}, pulled);
  AdamW plain(plan_of({distance}, 1e-2, {0.5}), {});
  for (int step = 0; step < 20; ++step) {
    const at::Tensor gradient = at::randn({6, 4}, options);
    pulled.mutable_grad() = gradient.clone();
    distance.mutable_grad() = gradient.clone();
    optimizer.step(1, 0, {1});
    plain.step(1, 0, {1});
  }
  EXPECT_GT(distance.abs().max().item<double>(), 0.01);
  EXPECT_TRUE(at::allclose(pulled, anchor + distance, 1e-12, 1e-13));
}

// A dense parameter, one that no step reaches before the stop, and a table whose rows some steps read and some learn.
TEST(AdamW, GoesOnFromWhatItSavedBitForBit) {
  const auto randomise = [](at::Tensor tensor) { return tensor.normal_(); };
  at::manual_seed(5);
  const std::vector<at::Tensor> start = {at::randn({4, 3}), at::randn({5}), at::randn({40, 6})};
  const auto step = [&](AdamW& optimizer, const std::vector<at::Tensor>& tensors, int number) {
    at::manual_seed(number);
    const at::Tensor rows = at::randint(40, {7}, at::kLong);
    optimizer.read_rows(rows);
    tensors[0].mutable_grad() = randomise(at::empty({4, 3}));
    if (number > 4) tensors[1].mutable_grad() = randomise(at::empty({5}));
    tensors[2].mutable_grad() =
        at::sparse_coo_tensor(rows.slice(0, 0, 5).unsqueeze(0), randomise(at::empty({5, 6})), {40, 6});
    optimizer.step(0.5, 1, {1.0 / number});
  };
  const auto same = copies(start);
  AdamW whole(plan_of(same, 0.1, {0.1, 0, 0.1}), {}, same[2]);
  for (int number = 1; number <= 8; ++number) step(whole, same, number);
  whole.settle();

  for (int stop = 1; stop < 8; ++stop) {
    const auto first = copies(start);
    AdamW stopped(plan_of(first, 0.1, {0.1, 0, 0.1}), {}, first[2]);
    for (int number = 1; number <= stop; ++number) step(stopped, first, number);
    stopped.settle();
    TrainingState state;
    stopped.save(state);
    const auto second = copies(first);
    AdamW resumed(plan_of(second, 0.1, {0.1, 0, 0.1}), {}, second[2]);
    resumed.load(testing::saved(state));
    for (int number = stop + 1; number <= 8; ++number) step(resumed, second, number);
    resumed.settle();
    for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(second[i].equal(same[i])) << "stopped at " << stop << ", " << i;
  }
}

}  // namespace
}  // namespace berth::training

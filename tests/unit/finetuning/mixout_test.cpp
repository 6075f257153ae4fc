#include "core/finetuning/mixout.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace berth::finetuning {
namespace {

using training::Status;

struct Fixture {
  at::TensorOptions options = at::TensorOptions(at::kDouble);
  at::Tensor weight = at::randn({200, 100}, options);
  at::Tensor start = weight.clone();
  at::Tensor bias = at::ones({100}, options);
  at::Tensor words = at::ones({10, 4}, options);
  at::Tensor head = at::ones({2, 4}, options);
  training::ParameterPlan plan;

  Fixture() {
    plan.parameters = {{"embeddings.word_embeddings.weight", words, "embeddings"},
                       {"encoder.layer.0.output.dense.weight", weight, "layers.0"},
                       {"encoder.layer.0.output.dense.bias", bias, "layers.0"},
                       {"encoder.layer.1.output.dense.weight", head.clone(), "layers.1", Status::kFrozen},
                       {"heads.a.weight", head, "heads.a"}};
    for (const auto& p : plan.parameters) p.tensor.set_requires_grad(p.has_gradient());
  }

  void move(double by) {
    const at::NoGradGuard no_grad;
    for (const auto& p : plan.parameters) p.tensor.add_(by);
  }
};

TEST(Mixout, PutsBackSomeOfTheStartAndKeepsTheMean) {
  at::manual_seed(1);
  Fixture f;
  const Mixout mixout(f.plan, 0.25, 9);
  f.move(3);
  const at::Tensor own = f.weight.detach().clone();
  {
    const Mixout::Mixed mixed(mixout, 1);
    const at::Tensor distance = f.weight.detach() - f.start;
    const at::Tensor is_start = distance.abs() < 1e-9;
    EXPECT_TRUE(at::allclose(distance, at::where(is_start, at::zeros_like(distance), at::full_like(distance, 4))));
    EXPECT_NEAR(is_start.to(at::kDouble).mean().item<double>(), 0.25, 0.012);  // 4 deviations of 20,000 draws
    for (const auto& p : f.plan.parameters) {
      if (p.tensor.is_same(f.weight)) continue;
      EXPECT_EQ(p.tensor.min().item<double>(), 4) << p.name;
    }
  }
  EXPECT_TRUE(at::equal(f.weight, own));
}

TEST(Mixout, TheSameDrawIsTheSameMask) {
  at::manual_seed(2);
  Fixture f;
  const Mixout mixout(f.plan, 0.5, 9);
  f.move(1);
  const auto mixed = [&](std::uint64_t draw) {
    const Mixout::Mixed scope(mixout, draw);
    return f.weight.detach().clone();
  };
  EXPECT_TRUE(at::equal(mixed(1), mixed(1)));
  EXPECT_FALSE(at::equal(mixed(1), mixed(2)));
}

// W's gradient through W0 + kept (W - W0) / (1 - p), as autograd has it.
TEST(Mixout, GradientsAreThoseOfTheMixture) {
  at::manual_seed(3);
  Fixture f;
  const Mixout mixout(f.plan, 0.5, 9);
  f.move(1);
  const at::Tensor before = at::randn({200, 100}, f.options);
  f.weight.mutable_grad() = before.clone();
  const auto loss_of = [](const at::Tensor& w) { return at::tanh(w).pow(2).sum(); };
  at::Tensor factor;
  {
    Mixout::Mixed mixed(mixout, 7);
    factor = ((f.weight.detach() - f.start) / 1).round();  // 0 or 2
    loss_of(f.weight).backward();
    mixed.take_gradients();
  }
  const at::Tensor leaf = f.weight.detach().clone().set_requires_grad(true);
  loss_of(f.start + factor * (leaf - f.start)).backward();
  EXPECT_TRUE(at::allclose(f.weight.grad(), before + leaf.grad(), 1e-9, 1e-10));
}

TEST(Mixout, WithoutAGradientTheEarlierOneStays) {
  Fixture f;
  const Mixout mixout(f.plan, 0.5, 9);
  f.weight.mutable_grad() = at::ones_like(f.weight);
  Mixout::Mixed mixed(mixout, 7);
  mixed.take_gradients();
  EXPECT_TRUE(at::equal(f.weight.grad(), at::ones_like(f.weight)));
}

}  // namespace
}  // namespace berth::finetuning

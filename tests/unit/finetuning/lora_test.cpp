#include "core/finetuning/lora.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace berth::finetuning {
namespace {

// A chain of two weights with adapters, and the loss as autograd has it of the matrices themselves.
struct Chain {
  at::TensorOptions options = at::TensorOptions(at::kDouble);
  at::Tensor input = at::randn({5, 4}, options);
  at::Tensor first = at::randn({6, 4}, options);
  at::Tensor second = at::randn({3, 6}, options);
  training::ParameterPlan plan;

  Chain() {
    for (const auto& weight : {first, second}) {
      plan.adapters.push_back(
          {"w", weight, at::randn({2, weight.size(1)}, options), at::randn({weight.size(0), 2}, options)});
      weight.set_requires_grad(true);
    }
  }

  at::Tensor loss(const at::Tensor& w1, const at::Tensor& w2) const {
    return at::tanh(input.mm(w1.t())).mm(w2.t()).pow(2).sum();
  }
};

TEST(Lora, GradientsAreThoseOfTheMatrices) {
  at::manual_seed(1);
  const Chain chain;
  const double scale = 5.0 / 2;
  std::vector<at::Tensor> merged, leaves;
  for (const auto& adapter : chain.plan.adapters) {
    const at::Tensor a = adapter.a.clone().set_requires_grad(true), b = adapter.b.clone().set_requires_grad(true);
    merged.push_back(adapter.tensor.detach() + scale * b.mm(a));
    leaves.insert(leaves.end(), {a, b});
  }
  const at::Tensor expected = chain.loss(merged[0], merged[1]);
  expected.backward();

  const Lora lora(chain.plan, 2, 5);
  lora.merge();
  const at::Tensor loss = chain.loss(chain.first, chain.second);
  EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-9);
  loss.backward();
  lora.take_gradients();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& adapter = chain.plan.adapters[i];
    EXPECT_TRUE(at::allclose(adapter.a.grad(), leaves[2 * i].grad(), 1e-10, 1e-10));
    EXPECT_TRUE(at::allclose(adapter.b.grad(), leaves[2 * i + 1].grad(), 1e-10, 1e-10));
    EXPECT_FALSE(adapter.tensor.grad().defined());
  }
  // A second batch adds to the first.
  chain.loss(chain.first, chain.second).backward();
  lora.take_gradients();
  EXPECT_TRUE(at::allclose(chain.plan.adapters[0].a.grad(), 2 * leaves[0].grad(), 1e-10, 1e-10));
}

TEST(Lora, MergesAnewFromTheStart) {
  at::manual_seed(2);
  const Chain chain;
  const auto& adapter = chain.plan.adapters[0];
  const at::Tensor start = adapter.tensor.detach().clone();
  const Lora lora(chain.plan, 2, 1);
  for (int i = 0; i < 3; ++i) {
    adapter.b.add_(1);
    lora.merge();
    EXPECT_TRUE(at::allclose(adapter.tensor, start + 0.5 * adapter.b.mm(adapter.a), 1e-12, 1e-12));
  }
  adapter.b.zero_();
  lora.merge();
  EXPECT_TRUE(at::equal(adapter.tensor, start));
}

}  // namespace
}  // namespace berth::finetuning

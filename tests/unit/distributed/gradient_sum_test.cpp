#include "core/distributed/gradient_sum.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "tests/unit/distributed/as_processes.h"

namespace berth::distributed {
namespace {

at::Tensor learned(at::IntArrayRef sizes, double value = 0, at::ScalarType type = at::kFloat) {
  return at::full(sizes, value, type).set_requires_grad(true);
}

at::Tensor sparse(const std::vector<std::int64_t>& rows, double value, const at::Tensor& like) {
  auto dense = at::zeros(like.sizes(), at::kFloat);
  for (const auto row : rows) dense[row].fill_(value);
  return dense.to_sparse(1);
}

TEST(GradientSum, OfEveryKind) {
  as_processes(3, [](Group& group) {
    const auto rank = group.rank();
    // More numbers than a bucket holds, in two types.
    const std::vector<at::Tensor> parameters = {
        learned({3}),        // dense in all
        learned({2}),        // in none
        learned({3000000}),  // in one
        learned({10, 2}),    // sparse in all
        learned({10, 2}),    // sparse in some
        learned({10, 2}),    // sparse here, dense there
        learned({4}, 0, at::kDouble),
    };
    GradientSum sum(group, parameters);
    for (int step = 0; step < 3; ++step) {
      for (const auto& parameter : parameters) parameter.mutable_grad().reset();
      parameters[0].mutable_grad() = at::full({3}, 1.0 + rank);
      if (rank == 1) parameters[2].mutable_grad() = at::ones({3000000});
      parameters[3].mutable_grad() = sparse({rank, 9}, 1, parameters[3]);
      if (rank == 2) parameters[4].mutable_grad() = sparse({4}, 2, parameters[4]);
      parameters[5].mutable_grad() = rank == 0 ? at::ones({10, 2}) : sparse({rank}, 3, parameters[5]);
      parameters[6].mutable_grad() = at::full({4}, 0.5, at::kDouble);
      sum.finish(0);

      EXPECT_TRUE(at::allclose(parameters[0].grad(), at::full({3}, 6.0)));
      EXPECT_FALSE(parameters[1].grad().defined());
      EXPECT_EQ(parameters[2].grad().sum().item<double>(), 3000000);
      ASSERT_TRUE(parameters[3].grad().is_sparse());
      EXPECT_TRUE(parameters[3].grad().is_coalesced());
      auto expected = at::zeros({10, 2});
      for (const int row : {0, 1, 2}) expected[row].fill_(1);
      expected[9].fill_(3);
      EXPECT_TRUE(parameters[3].grad().to_dense().equal(expected));
      ASSERT_TRUE(parameters[4].grad().is_sparse());
      EXPECT_EQ(parameters[4].grad().values().sum().item<double>(), 4);
      EXPECT_EQ(parameters[4].grad().indices().numel(), 1);
      ASSERT_FALSE(parameters[5].grad().is_sparse());
      EXPECT_EQ(parameters[5].grad().sum().item<double>(), 20 + 2 * 2 * 3);
      EXPECT_TRUE(at::allclose(parameters[6].grad(), at::full({4}, 1.5, at::kDouble)));
    }
  });
}

// A small net whose second layer not every step of every process uses; two micro-batches a step, as berth trains.
struct Net {
  at::Tensor first = learned({50, 40}, 0.01);
  at::Tensor second = learned({40}, 0.02);
  at::Tensor third = learned({40}, 0.03);

  at::Tensor loss(double input, bool uses_third) const {
    const auto hidden = at::full({1, 50}, input).matmul(first);
    return hidden.mul(second).sum().add(uses_third ? hidden.mul(third).sum() : at::zeros({}));
  }
};

TEST(GradientSum, IsTheSameWhereItIsSentDuringBackward) {
  as_processes(2, [](Group& group) {
    for (const bool is_early : {false, true}) {
      const Net net;
      const Net whole;
      GradientSum sum(group, {net.first, net.second, net.third});
      for (int step = 0; step < 5; ++step) {
        for (const auto* n : {&net, &whole}) {
          for (const auto& p : {n->first, n->second, n->third}) p.mutable_grad().reset();
        }
        const auto uses_third = [&](int rank) { return step == 2 ? rank == 1 : step == 3; };
        const auto input = [&](int rank, int m) { return 1.0 + step + 10 * rank + 100 * m; };
        torch::autograd::backward({net.loss(input(group.rank(), 0), uses_third(group.rank()))}, {});
        const auto last = net.loss(input(group.rank(), 1), uses_third(group.rank()));
        if (is_early) sum.begin(0);
        torch::autograd::backward({last}, {});
        sum.finish(0);
        for (const int rank : {0, 1}) {
          for (const int m : {0, 1}) torch::autograd::backward({whole.loss(input(rank, m), uses_third(rank))}, {});
        }
        EXPECT_TRUE(at::allclose(net.first.grad(), whole.first.grad()));
        EXPECT_TRUE(at::allclose(net.second.grad(), whole.second.grad()));
        ASSERT_EQ(net.third.grad().defined(), whole.third.grad().defined()) << step;
        if (whole.third.grad().defined()) {
          EXPECT_TRUE(at::allclose(net.third.grad(), whole.third.grad()));
        }
      }
    }
  });
}

TEST(GradientSum, LeavesAGradientThatSomeoneKeeps) {
  as_processes(2, [](Group& group) {
    const auto parameter = learned({3});
    GradientSum sum(group, {parameter});
    parameter.mutable_grad() = at::ones({3});
    sum.finish(0);
    const at::Tensor kept = parameter.grad();
    parameter.mutable_grad() = at::full({3}, 5);
    sum.finish(0);
    EXPECT_EQ(kept.sum().item<double>(), 6);
    EXPECT_EQ(parameter.grad().sum().item<double>(), 30);
  });
}

}  // namespace
}  // namespace berth::distributed

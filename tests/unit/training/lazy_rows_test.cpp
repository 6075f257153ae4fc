#include "core/training/lazy_rows.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/training/adamw.h"

namespace berth::training {
namespace {

at::Tensor rows(std::vector<std::int64_t> numbers) { return at::tensor(numbers, at::kLong); }

TEST(LazyRows, WhatWaitedHasTheBitsOfADecayAtEveryStep) {
  at::manual_seed(1);
  for (const auto type : {at::kFloat, at::kDouble}) {
    const at::Tensor table = at::randn({40, 5}, type);
    const at::Tensor expected = table.clone();
    LazyRows lazy(table);
    for (int step = 0; step < 150; ++step) {  // more than wait at most
      const double factor = 1 - 1e-3 / (step + 1);
      lazy.decay(factor);
      if (type == at::kFloat) {
        expected.mul_(static_cast<float>(factor));
      } else {
        expected.mul_(factor);
      }
    }
    lazy.settle();
    lazy.settle();
    EXPECT_TRUE(at::equal(table, expected));
  }
}

TEST(LazyRows, ARowIsUpToDateOnceTouchedAndThenLeftAlone) {
  const at::Tensor table = at::ones({4, 2}, at::kDouble);
  LazyRows lazy(table);
  lazy.touch(rows({2}));
  lazy.decay(0.5);
  lazy.touch(rows({3, 0, 3}));
  EXPECT_EQ(lazy.touched(), (std::vector<std::int64_t>{0, 2, 3}));
  EXPECT_EQ(table[0][0].item<double>(), 0.5);
  EXPECT_EQ(table[1][0].item<double>(), 1) << "waits";
  EXPECT_EQ(table[2][0].item<double>(), 1) << "is not ours any more";
  lazy.decay(0.5);
  lazy.touch_all();
  EXPECT_EQ(table[1][1].item<double>(), 0.25);
  EXPECT_EQ(table[3][1].item<double>(), 0.5);
  EXPECT_EQ(lazy.touched().size(), 4U);
}

// A table looked up sparsely against the same gradients given densely: the same bits at every step, whenever somebody
// reads all of the table, and after a dense gradient too. (Without clipping: the norm is added up in another order.)
TEST(LazyRows, SparseAdamWHasTheBitsOfDense) {
  at::manual_seed(2);
  for (const auto type : {at::kFloat, at::kDouble}) {
    const auto start = at::randn({60, 7}, type);
    const auto bias_start = at::randn({7}, type);
    struct Side {
      at::Tensor table, bias;
      std::unique_ptr<AdamW> optimizer;
    };
    std::vector<Side> sides;
    for (int side = 0; side < 2; ++side) {
      Side s{start.clone(), bias_start.clone(), nullptr};
      ParameterPlan plan;
      plan.parameters.push_back({"table", s.table, "embeddings", Status::kTrained, 1e-2, 0.1});
      plan.parameters.push_back({"bias", s.bias, "embeddings", Status::kTrained, 1e-2, 0.0});
      for (const auto& p : plan.parameters) p.tensor.set_requires_grad(true);
      s.optimizer = std::make_unique<AdamW>(plan, suite::OptimizerConfig{}, side == 0 ? s.table : at::Tensor());
      sides.push_back(std::move(s));
    }
    for (int step = 0; step < 100; ++step) {
      const at::Tensor ids = at::randint(0, step < 50 ? 10 : 40, {6}, at::kLong);
      const at::Tensor values = at::randn({6, 7}, type);
      const at::Tensor bias = at::randn({7}, type);
      const at::Tensor sparse = at::sparse_coo_tensor(ids.unsqueeze(0), values, start.sizes());
      const bool dense = step == 80;
      sides[0].table.mutable_grad() = dense ? sparse.to_dense() : sparse;
      sides[1].table.mutable_grad() = sparse.coalesce().to_dense();
      for (auto& side : sides) side.bias.mutable_grad() = bias.clone();
      sides[0].optimizer->read_rows(ids);
      EXPECT_TRUE(at::equal(sides[0].table.index_select(0, ids), sides[1].table.index_select(0, ids))) << step;
      const double factor = 1.0 / (1 + step % 7);
      const double norm = sides[1].optimizer->step(0.5, 0, {factor}).norm;
      EXPECT_NEAR(sides[0].optimizer->step(0.5, 0, {factor}).norm, norm, 1e-6 * norm);
      if (step == 79) {
        EXPECT_FALSE(at::equal(sides[0].table, sides[1].table)) << "nothing waited";
      }
      if (step % 20 == 10) {
        sides[0].optimizer->settle();
        EXPECT_TRUE(at::equal(sides[0].table, sides[1].table)) << step;
      }
    }
    sides[0].optimizer->settle();
    EXPECT_TRUE(at::equal(sides[0].table, sides[1].table));
    EXPECT_TRUE(at::equal(sides[0].bias, sides[1].bias));
  }
}

}  // namespace
}  // namespace berth::training

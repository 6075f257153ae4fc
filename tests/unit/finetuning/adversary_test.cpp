#include "core/finetuning/adversary.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace berth::finetuning {
namespace {

TEST(MovedEmbeddings, AreSoFarAlongTheGradientAndComeBack) {
  at::manual_seed(1);
  const at::Tensor table = at::randn({9, 4});
  const at::Tensor own = table.clone();
  table.set_requires_grad(true);
  const at::Tensor ids = at::tensor({3, 7, 3, 0});
  for (const bool is_sparse : {true, false}) {
    table.mutable_grad().reset();
    at::embedding(table, ids, -1, false, is_sparse).pow(3).sum().backward();
    const at::Tensor gradient = table.grad();
    ASSERT_EQ(gradient.is_sparse(), is_sparse);
    const at::Tensor dense = is_sparse ? gradient.to_dense() : gradient;
    {
      const MovedEmbeddings moved(table, gradient, 0.3);
      EXPECT_TRUE(at::allclose(table, own + 0.3 * dense / dense.norm(), 1e-5, 1e-6));
      EXPECT_NEAR((table - own).norm().item<double>(), 0.3, 1e-5);
    }
    EXPECT_TRUE(at::equal(table, own));
  }
}

TEST(MovedEmbeddings, AGradientOfZeroMovesNothing) {
  const at::Tensor table = at::ones({3, 2});
  const MovedEmbeddings moved(table, at::zeros({3, 2}), 1);
  EXPECT_TRUE(at::equal(table, at::ones({3, 2})));
}

}  // namespace
}  // namespace berth::finetuning

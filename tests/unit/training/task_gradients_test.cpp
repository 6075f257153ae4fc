#include "core/training/task_gradients.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::training {
namespace {

// Two tensors of the encoder, one of a head.
struct Fixture {
  std::vector<at::Tensor> tensors = {at::zeros({3, 4}, at::kDouble), at::zeros({5}, at::kDouble),
                                     at::zeros({2}, at::kDouble)};
  ParameterPlan plan;

  Fixture() {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].set_requires_grad(true);
      plan.parameters.push_back({"p" + std::to_string(i), tensors[i], i == 2 ? "heads.a" : "layers.0"});
    }
  }
  void set(const std::vector<at::Tensor>& gradients) {
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      if (gradients[i].defined()) tensors[i].mutable_grad() = gradients[i].clone();
    }
  }
};

at::Tensor flat(const std::vector<at::Tensor>& gradients) {
  return at::cat({gradients[0].reshape(-1), gradients[1].reshape(-1)});
}

std::vector<at::Tensor> random_gradients() {
  const auto options = at::TensorOptions(at::kDouble);
  return {at::randn({3, 4}, options), at::randn({5}, options), at::Tensor()};
}

TEST(TaskGradients, ComparesOverTheEncoderAlone) {
  at::manual_seed(1);
  Fixture f;
  TaskGradients gradients(f.plan);
  const auto a = random_gradients();
  const auto b = random_gradients();
  f.set(a);
  f.tensors[2].mutable_grad() = at::full({2}, 100.0, at::kDouble);
  gradients.take(0.5);
  EXPECT_FALSE(f.tensors[0].grad().defined()) << "taken away";
  f.set(b);
  gradients.take(2);
  const auto products = gradients.products();
  EXPECT_NEAR(products[0][0], 0.25 * flat(a).dot(flat(a)).item<double>(), 1e-12);
  EXPECT_NEAR(products[0][1], flat(a).dot(flat(b)).item<double>(), 1e-12);
  EXPECT_EQ(products[0][1], products[1][0]);
  const double cosine = (flat(a).dot(flat(b)) / (flat(a).norm() * flat(b).norm())).item<double>();
  EXPECT_NEAR(cosines(products)[0][1], cosine, 1e-12);
}

// What the encoder's word embeddings get is sparse; a head that reads them too makes it dense.
TEST(TaskGradients, SparseOnesCountAsTheSameOnesDense) {
  at::manual_seed(3);
  const auto options = at::TensorOptions(at::kDouble);
  const auto rows = [&](std::vector<std::int64_t> numbers) {
    const auto count = static_cast<std::int64_t>(numbers.size());
    return at::sparse_coo_tensor(at::tensor(numbers, at::kLong).unsqueeze(0), at::randn({count, 4}, options), {3, 4});
  };
  const std::vector<at::Tensor> given = {rows({2, 0, 2}), rows({1, 2}), at::randn({3, 4}, options)};
  Matrix products[2];
  at::Tensor sums[2];
  for (const bool dense : {false, true}) {
    Fixture f;
    TaskGradients gradients(f.plan);
    for (const auto& gradient : given) {
      f.tensors[0].mutable_grad() = dense ? gradient.to_dense() : gradient.clone();
      gradients.take(0.5);
    }
    products[dense ? 1 : 0] = gradients.products();
    gradients.put_back({2, -3, 1});
    sums[dense ? 1 : 0] = f.tensors[0].grad();
  }
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(products[0][i][j], products[1][i][j], 1e-12) << i << j;
  }
  EXPECT_TRUE(at::allclose(sums[0], sums[1]));

  Fixture f;
  TaskGradients gradients(f.plan);
  for (std::size_t k = 0; k < 2; ++k) {
    f.tensors[0].mutable_grad() = given[k].clone();
    gradients.take(1);
  }
  gradients.put_back({2, -3});
  EXPECT_TRUE(f.tensors[0].grad().is_sparse());
  EXPECT_TRUE(at::allclose(f.tensors[0].grad().to_dense(), 2 * given[0].to_dense() - 3 * given[1].to_dense()));
}

TEST(TaskGradients, PutsTheWeightedSumBackAndLeavesHeadsAsTheyAre) {
  at::manual_seed(2);
  Fixture f;
  TaskGradients gradients(f.plan);
  const auto a = random_gradients();
  const auto b = random_gradients();
  f.set(a);
  f.tensors[2].mutable_grad() = at::full({2}, 7.0, at::kDouble);
  gradients.take(1);
  f.set({b[0], at::Tensor()});
  gradients.take(1);
  gradients.put_back({2, -3});
  EXPECT_TRUE(at::allclose(f.tensors[0].grad(), 2 * a[0] - 3 * b[0]));
  EXPECT_TRUE(at::allclose(f.tensors[1].grad(), 2 * a[1])) << "the second task has none there";
  EXPECT_TRUE(at::equal(f.tensors[2].grad(), at::full({2}, 7.0, at::kDouble)));
  EXPECT_EQ(gradients.size(), 0U);
}

// Algorithm 1 of the paper as it stands there, on the vectors themselves.
at::Tensor projected_sum(const std::vector<at::Tensor>& g, Random random) {
  at::Tensor sum = at::zeros_like(g[0]);
  for (std::size_t i = 0; i < g.size(); ++i) {
    at::Tensor own = g[i].clone();
    std::vector<std::size_t> others;
    for (std::size_t j = 0; j < g.size(); ++j) {
      if (j != i) others.push_back(j);
    }
    random.shuffle(others);
    for (const auto j : others) {
      const auto along = own.dot(g[j]);
      if (along.item<double>() < 0) own = own - along / g[j].dot(g[j]) * g[j];
    }
    sum += own;
  }
  return sum;
}

TEST(Surgery, EqualsThePapersAlgorithm) {
  at::manual_seed(3);
  int conflicts = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::size_t count = 2 + seed % 4;
    std::vector<at::Tensor> g;
    for (std::size_t i = 0; i < count; ++i) g.push_back(at::randn({6}, at::kDouble));
    Matrix products(count, std::vector<double>(count));
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < count; ++j) products[i][j] = g[i].dot(g[j]).item<double>();
    }
    Random random(seed);
    const auto weights = surgery_weights(products, random);
    at::Tensor sum = at::zeros({6}, at::kDouble);
    for (std::size_t k = 0; k < count; ++k) sum += weights[k] * g[k];
    EXPECT_TRUE(at::allclose(sum, projected_sum(g, Random(seed)), 1e-10, 1e-10)) << seed;
    conflicts += weights != std::vector<double>(count, 1.0) ? 1 : 0;
  }
  EXPECT_GT(conflicts, 100) << "the test saw gradients against each other";
}

TEST(Surgery, LeavesGradientsThatAgree) {
  Random random(1);
  EXPECT_EQ(surgery_weights({{1, 0.5}, {0.5, 2}}, random), (std::vector<double>{1, 1}));
}

TEST(Surgery, AGradientOfZeroIsNoReasonToDivide) {
  Random random(1);
  for (const double weight : surgery_weights({{1, 0}, {0, 0}}, random)) EXPECT_EQ(weight, 1);
  EXPECT_TRUE(std::isnan(cosines({{1, 0}, {0, 0}})[0][1]));
}

}  // namespace
}  // namespace berth::training

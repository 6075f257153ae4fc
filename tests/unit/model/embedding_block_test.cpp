// The fused embeddings against the same computed by LibTorch's operators and its autograd.
#include "core/model/embedding_block.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <vector>

#include "instruction_sets.h"
#include "reference.h"

namespace berth::model {
namespace {

using testing::difference;
using testing::gradients;

constexpr std::int64_t kWords = 50;
constexpr std::int64_t kTokens = 153;

struct Case {
  EmbeddingWeights weights;
  EmbeddingRun run;

  Case(std::int64_t width, at::ScalarType type, double p) {
    const auto table = [&](std::int64_t rows) { return at::randn({rows, width}, type).requires_grad_(true); };
    const auto vector = [&] { return at::randn({width}, type).requires_grad_(true); };
    weights = {table(kWords), table(2), table(20), vector(), vector()};
    run.ids = at::randint(0, kWords / 2, {kTokens}, at::kLong) * 2;  // half of them stay unread
    run.segments = at::randint(0, 2, {kTokens}, at::kLong);
    run.positions = at::randint(0, 15, {kTokens}, at::kLong);
    run.padding_id = 4;
    run.dropout = {p, {7, 9}, 0};
    run.epsilon = 1e-12;
  }
  std::vector<at::Tensor> leaves() const {
    return {weights.word, weights.segment, weights.position, weights.norm_scale, weights.norm_shift};
  }
  at::Tensor stock() const {
    const at::Tensor sum = at::embedding(weights.word, run.ids, run.padding_id) +
                           at::embedding(weights.segment, run.segments) +
                           at::embedding(weights.position, run.positions);
    const at::Tensor normal = at::layer_norm(sum, {sum.size(1)}, weights.norm_scale, weights.norm_shift, run.epsilon);
    return testing::masked(normal, run.dropout);
  }
};

TEST(EmbeddingBlock, EqualsLibTorchWithItsGradients) {
  at::manual_seed(5);
  testing::for_instruction_sets([] {
    for (const auto type : {at::kFloat, at::kDouble}) {
      for (const std::int64_t width : {7, 96}) {
        for (const double p : {0.0, 0.3}) {
          const Case c(width, type, p);
          const at::Tensor ours = embedding_block(c.weights, c.run);
          const at::Tensor theirs = c.stock();
          const double allowed = type == at::kFloat ? 5e-6 : 1e-12;
          EXPECT_LT(difference(ours, theirs), allowed);
          const auto found = gradients(ours, c.leaves());
          const auto expected = gradients(theirs, c.leaves());
          EXPECT_TRUE(found[0].is_sparse());
          EXPECT_EQ(found[0].coalesce().indices().eq(c.run.padding_id).sum().item<std::int64_t>(), 0);
          for (std::size_t i = 0; i < found.size(); ++i) {
            const double largest = std::max(1.0, expected[i].abs().max().item<double>());
            EXPECT_LT(difference(found[i].to_dense(), expected[i]), 4 * allowed * largest) << i;
          }
        }
      }
    }
  });
}

TEST(EmbeddingBlock, HasTheSameBitsOnAnyNumberOfThreads) {
  at::manual_seed(6);
  const Case c(40, at::kFloat, 0.3);
  std::vector<std::vector<at::Tensor>> results;
  const int threads = at::get_num_threads();
  for (const int count : {1, 3}) {
    at::set_num_threads(count);
    const at::Tensor out = embedding_block(c.weights, c.run);
    auto all = gradients(out, c.leaves());
    all[0] = all[0].to_dense();
    all.push_back(out);
    results.push_back(all);
  }
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < results[0].size(); ++i) EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << i;
}

TEST(EmbeddingBlock, GivesNoGradientToWhatIsFrozenAndKeepsNothingWithoutAny) {
  Case c(8, at::kFloat, 0);
  c.weights.word.set_requires_grad(false);
  embedding_block(c.weights, c.run).sum().backward();
  EXPECT_FALSE(c.weights.word.grad().defined());
  EXPECT_TRUE(c.weights.position.grad().defined());
  for (const auto& leaf : c.leaves()) leaf.set_requires_grad(false);
  EXPECT_FALSE(embedding_block(c.weights, c.run).requires_grad());
}

}  // namespace
}  // namespace berth::model

#include "core/analysis/weight_change.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/model/encoder.h"

namespace berth::analysis {
namespace {

TEST(UpdateRank, CountsDirections) {
  at::manual_seed(1);
  const auto equal_ones = update_rank(at::eye(6, at::kDouble).slice(0, 0, 4));
  EXPECT_NEAR(equal_ones.stable, 4, 1e-9);
  EXPECT_NEAR(equal_ones.effective, 4, 1e-6);
  EXPECT_EQ(equal_ones.full, 4);
  const auto low = update_rank(at::matmul(at::randn({50, 2}), at::randn({2, 30})));
  EXPECT_LE(low.stable, 2);
  EXPECT_NEAR(low.effective, 2, 0.1);
  const auto one_strong = update_rank(at::diag(at::tensor({100.0, 1.0, 1.0, 1.0})));
  EXPECT_NEAR(one_strong.stable, 1.0003, 1e-6);
  EXPECT_GT(one_strong.effective, one_strong.stable);
}

TEST(UpdateRank, IsNoneOfNothing) {
  const auto none = update_rank(at::zeros({3, 5}));
  EXPECT_EQ(none.stable, 0);
  EXPECT_EQ(none.effective, 0);
}

const WeightChange& find(const std::vector<WeightChange>& changes, const std::string& group, const std::string& kind) {
  return *std::find_if(changes.begin(), changes.end(),
                       [&](const WeightChange& c) { return c.group == group && c.kind == kind; });
}

NamedTensors layer(double query, double bias) {
  return {{"encoder.layer.3.attention.self.query.weight", at::full({2, 2}, query)},
          {"encoder.layer.3.attention.self.query.bias", at::full({4}, bias)}};
}

TEST(WeightChanges, MeasureEachKindAndTheWholeGroup) {
  const auto changes = weight_changes(layer(1, 0), layer(2, 3));
  ASSERT_EQ(changes.size(), 3u);
  const auto& query = find(changes, "layers.3", "query");
  EXPECT_NEAR(query.distance, 2, 1e-12);
  EXPECT_NEAR(query.relative, 1, 1e-12);
  EXPECT_NEAR(query.angle, 0, 1e-9);
  ASSERT_TRUE(query.rank);
  EXPECT_NEAR(query.rank->stable, 1, 1e-9);
  const auto& biases = find(changes, "layers.3", "biases");
  EXPECT_NEAR(biases.distance, 6, 1e-12);
  EXPECT_TRUE(std::isnan(biases.relative));
  EXPECT_TRUE(std::isnan(biases.angle));
  EXPECT_FALSE(biases.rank);
  const auto& all = changes.back();
  EXPECT_EQ(all.kind, "all");
  EXPECT_NEAR(all.distance, std::sqrt(40.0), 1e-12);
  EXPECT_NEAR(all.relative, std::sqrt(10.0), 1e-12);
  EXPECT_NEAR(all.angle, std::acos(8 / std::sqrt(4.0 * 52)) * 180 / M_PI, 1e-9);
}

TEST(WeightChanges, FindASmallAngle) {
  auto after = layer(1, 0);
  after[0].tensor = at::tensor({1.0, 1.0, 1.0, 1.0 + 1e-7}).view({2, 2});
  const double found = find(weight_changes(layer(1, 0), after), "layers.3", "query").angle;
  EXPECT_NEAR(found, 1e-7 * std::sqrt(3.0) / 4 * 180 / M_PI, 1e-11);
}

TEST(WeightChanges, KnowEveryParameterOfAnEncoder) {
  for (const auto& [name, shape] : model::parameter_shapes({})) {
    EXPECT_NE(std::find(kinds().begin(), kinds().end(), kind_of(name)), kinds().end()) << name;
  }
  EXPECT_EQ(kind_of("encoder.layer.0.attention.output.dense.weight"), "attention_output");
  EXPECT_EQ(kind_of("encoder.layer.0.output.dense.weight"), "down");
  EXPECT_EQ(kind_of("encoder.layer.0.output.dense.bias"), "biases");
  EXPECT_EQ(kind_of("embeddings.LayerNorm.bias"), "norms");
}

}  // namespace
}  // namespace berth::analysis

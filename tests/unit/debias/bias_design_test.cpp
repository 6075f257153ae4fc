#include "core/debias/bias_design.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::debias {
namespace {

constexpr std::int64_t kSpecial = 0;

class BiasDesign : public testing::Test {
 protected:
  BiasDesign() : store_({}, at::kFloat, "task 'x'") {}

  // As [CLS] first [SEP] second [SEP], or without the second.
  void add(const std::vector<std::int32_t>& first, const std::vector<std::int32_t>& second) {
    Feature feature;
    const auto token = [&](std::int32_t id, std::uint8_t segment) {
      feature.encoding.ids.push_back(id);
      feature.encoding.segments.push_back(segment);
      feature.encoding.words.push_back(-1);
      feature.encoding.offsets.push_back({});
      feature.encoding.specials.push_back(id == kSpecial ? 1 : 0);
    };
    token(kSpecial, 0);
    for (const auto id : first) token(id, 0);
    token(kSpecial, 0);
    for (const auto id : second) token(id, 1);
    if (!second.empty()) token(kSpecial, 1);
    store_.add(feature);
  }

  at::Tensor design(suite::BiasKind kind) const {
    return bias_design(store_, {kind, {kSpecial}, at::arange(20, at::kDouble).view({10, 2})});
  }

  data::FeatureStore store_;
};

TEST_F(BiasDesign, OverlapSaysHowTheSecondTextStandsInTheFirst) {
  add({1, 2, 3, 4}, {2, 3});                                                      // in a row
  add({1, 2, 3, 4}, {3, 2});                                                      // all there, in another order
  add({1, 2, 3, 4}, {2, 5, 6});                                                   // one of three
  const at::Tensor expected = at::tensor({1.0, 1.0, 1.0, std::log(5.0 / 3),       //
                                          1.0, 0.0, 1.0, std::log(5.0 / 3),       //
                                          0.0, 0.0, 1.0 / 3, std::log(5.0 / 4)},  //
                                         at::kDouble);
  EXPECT_LT((design(suite::BiasKind::kOverlap) - expected.view({3, 4})).abs().max().item<double>(), 1e-15);
}

TEST_F(BiasDesign, ABagOfTheSecondTextKnowsNothingOfTheFirst) {
  add({1, 2}, {7, 8, 7});
  add({3, 4}, {8});
  const at::Tensor bag = design(suite::BiasKind::kSecondText).to_dense();
  ASSERT_EQ(bag.sizes(), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(bag.sum().item<double>(), 3);  // a token counts once
  EXPECT_EQ(bag[1].sum().item<double>(), 1);
}

// Row k of the table is (2k, 2k + 1): the first texts' means are (4, 5) and twice (8, 9), the second texts' (10, 11)
// and twice (12, 13).
TEST_F(BiasDesign, EmbeddingsAreEachTextsMeanStandardised) {
  add({1, 3}, {5});
  add({4}, {6});
  add({4, 4, 4}, {6, 6});
  const at::Tensor expected =
      at::tensor({-std::sqrt(2.0), std::sqrt(0.5), std::sqrt(0.5)}, at::kDouble).unsqueeze(1).expand({3, 4});
  EXPECT_LT((design(suite::BiasKind::kEmbeddings) - expected).abs().max().item<double>(), 1e-12);
}

TEST_F(BiasDesign, OneTextIsEnoughForEmbeddingsOnly) {
  add({1, 3}, {});
  EXPECT_EQ(design(suite::BiasKind::kEmbeddings).sizes(), (std::vector<std::int64_t>{1, 2}));
  const auto check = [&](suite::BiasKind kind) { check_texts(store_, {kind, {kSpecial}, {}}); };
  EXPECT_NO_THROW(check(suite::BiasKind::kEmbeddings));
  EXPECT_THROW(check(suite::BiasKind::kOverlap), Error);
  EXPECT_THROW(check(suite::BiasKind::kSecondText), Error);
  add({1}, {2});
  EXPECT_NO_THROW(check(suite::BiasKind::kOverlap));
}

}  // namespace
}  // namespace berth::debias

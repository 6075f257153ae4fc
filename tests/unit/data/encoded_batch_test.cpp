#include "core/data/encoded_batch.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "berth/error.h"
#include "core/data/packed_batch.h"

namespace berth::data {
namespace {

PackedBatch batch_of(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::int64_t> positions;
  for (auto length : lengths) {
    for (std::int64_t i = 0; i < length; ++i) positions.push_back(i);
    offsets.push_back(offsets.back() + length);
  }
  const auto tokens = at::zeros({offsets.back()}, at::kLong);
  return PackedBatch({tokens, tokens, at::tensor(offsets, at::kLong), at::tensor(positions, at::kLong), {}});
}

TEST(EncodedBatch, PaddedPutsEverySequenceInARowWithZerosBehind) {
  const auto batch = batch_of({2, 4, 1});
  const auto hidden = at::randn({7, 3});
  const EncodedBatch encoded(batch, {hidden, {}, {}});
  const auto padded = encoded.padded();
  ASSERT_EQ(padded.hidden.sizes(), (std::vector<std::int64_t>{3, 4, 3}));
  EXPECT_TRUE(at::equal(padded.hidden[0].slice(0, 0, 2), hidden.slice(0, 0, 2)));
  EXPECT_TRUE(at::equal(padded.hidden[1], hidden.slice(0, 2, 6)));
  EXPECT_TRUE(at::equal(padded.hidden[2].slice(0, 0, 1), hidden.slice(0, 6, 7)));
  EXPECT_TRUE(at::equal(padded.hidden.masked_select(padded.mask.logical_not().unsqueeze(2)), at::zeros({15})));
  EXPECT_TRUE(at::equal(padded.mask.sum(1), at::tensor({2, 4, 1}, at::kLong)));
}

TEST(EncodedBatch, PaddedKeepsTheGradient) {
  const auto batch = batch_of({3, 1});
  const auto hidden = at::randn({4, 2}).set_requires_grad(true);
  const EncodedBatch encoded(batch, {hidden, {}, {}});
  const auto weights = at::randn({2, 3, 2});
  (encoded.padded().hidden * weights).sum().backward();
  EXPECT_TRUE(at::equal(hidden.grad(), at::cat({weights[0], weights[1].slice(0, 0, 1)})));
}

TEST(EncodedBatch, WhatWasNotAskedForIsAnErrorOfThePlugin) {
  const auto batch = batch_of({2});
  const EncodedBatch encoded(batch, {{}, at::zeros({1, 3}), {}});
  for (auto call : {+[](const EncodedBatch& e) { e.hidden(); }, +[](const EncodedBatch& e) { e.pooled(); },
                    +[](const EncodedBatch& e) { e.padded(); }}) {
    try {
      call(encoded);
      FAIL();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kPlugin);
    }
  }
}

}  // namespace
}  // namespace berth::data

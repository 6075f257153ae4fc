#include "core/data/hidden_cache.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include "core/data/encoded_batch.h"

namespace berth::data {
namespace {

model::Encoder encoder() {
  model::BertConfig config;
  config.vocab_size = 50;
  config.hidden_size = 12;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 3;
  config.intermediate_size = 20;
  config.max_position_embeddings = 16;
  model::EncoderOptions options;
  options.dtype = at::kDouble;
  return {config, options};
}

FeatureStore features(std::int64_t count) {
  FeatureStore store({}, at::kDouble, "task 'x' (plugin y)");
  for (std::int64_t i = 0; i < count; ++i) {
    Feature feature;
    for (std::int64_t token = 0; token <= i % 7; ++token) {
      feature.encoding.ids.push_back(static_cast<std::int32_t>((11 * i + token) % 50));
      feature.encoding.segments.push_back(0);
    }
    store.add(feature);
  }
  return store;
}

TEST(HiddenCache, GivesWhatTheStagesGiveForAnyBatch) {
  const auto bert = encoder();
  const auto store = features(150);  // several packs, the last one short
  for (const std::int64_t stages : {1, 3, 4}) {
    int ticks = 0;
    const HiddenCache cache(store, bert, stages, 64, [&] { ++ticks; });
    EXPECT_EQ(ticks, 3);
    EXPECT_EQ(cache.stages(), stages);
    const auto from_below = HiddenCache(store, bert, 1, 64, [] {}).continued(bert, stages - 1, [] {});
    EXPECT_EQ(from_below.stages(), stages);
    EXPECT_TRUE(at::equal(from_below.pack_from(0, 150), cache.pack_from(0, 150)));
    for (const auto& batch : std::vector<std::vector<std::int64_t>>{{149}, {3, 140, 3, 64}, {63, 62, 0}}) {
      const at::Tensor expected = bert.lower(encoder_input(*store.pack(batch)), stages);
      const at::Tensor found = cache.pack(batch);
      ASSERT_EQ(found.sizes(), expected.sizes());
      EXPECT_LT((found - expected).abs().max().item<double>(), 1e-13);
    }
  }
}

TEST(HiddenCache, ItsOwnPacksHaveTheBitsOfComputingThemAnew) {
  const auto bert = encoder();
  const auto store = features(50);
  const HiddenCache cache(store, bert, 3, 20, [] {});
  for (const std::int64_t first : {0, 20, 40}) {
    const auto batch = store.pack_from(first, 20);
    EXPECT_TRUE(at::equal(cache.pack_from(first, 20), bert.lower(encoder_input(*batch), 3)));
  }
}

TEST(HiddenCache, ComputedAgainHasTheSameBitsAndNoGraph) {
  const auto bert = encoder();
  for (const auto& parameter : bert.parameters()) parameter.tensor.set_requires_grad(true);
  const auto store = features(70);
  const std::vector<std::int64_t> all = {5, 69, 30};
  const at::Tensor once = HiddenCache(store, bert, 2, 64, [] {}).pack(all);
  EXPECT_TRUE(at::equal(once, HiddenCache(store, bert, 2, 64, [] {}).pack(all)));
  EXPECT_FALSE(once.requires_grad());
  EXPECT_EQ(HiddenCache::bytes_needed(store, bert), store.tokens() * 12 * 8);
}

}  // namespace
}  // namespace berth::data

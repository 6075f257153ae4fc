#include "core/analysis/representations.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::analysis {
namespace {

model::Encoder encoder(std::uint64_t seed) {
  model::BertConfig config;
  config.vocab_size = 50;
  config.hidden_size = 12;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.intermediate_size = 20;
  config.max_position_embeddings = 16;
  config.initializer_range = 0.3;
  model::EncoderOptions options;
  options.dtype = at::kDouble;
  options.seed = seed;
  return {config, options};
}

data::FeatureStore texts(std::int64_t count, std::int64_t length) {
  data::FeatureStore store({}, at::kDouble, "task 'x' (plugin y)");
  for (std::int64_t i = 0; i < count; ++i) {
    Feature feature;
    for (std::int64_t token = 0; token < length; ++token) {
      feature.encoding.ids.push_back(static_cast<std::int32_t>((11 * i + 7 * token) % 50));
      feature.encoding.segments.push_back(0);
    }
    store.add(feature);
  }
  return store;
}

void change(const model::Encoder& encoder, const std::string& part, double factor) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : encoder.parameters()) {
    if (name.find(part) != std::string::npos) tensor.mul_(factor);
  }
}

TEST(Representations, DifferFromTheLayerThatChangedOn) {
  const auto before = encoder(1);
  const auto after = encoder(1);
  change(after, "layer.1.output.dense.weight", -5);
  const auto found = compare_representations(before, after, texts(20, 6), {});
  EXPECT_EQ(found.tokens, 120);
  ASSERT_EQ(found.cka.size(), 3u);
  for (const std::size_t same : {0, 1}) {
    EXPECT_NEAR(found.cka[same], 1, 1e-12);
    EXPECT_NEAR(found.rsa[same], 1, 1e-12);
  }
  EXPECT_LT(found.cka[2], 0.95);
  EXPECT_LT(found.rsa[2], 0.95);
  EXPECT_EQ(found.before.entropy, found.after.entropy);  // attention comes before what changed
}

TEST(Representations, HardlyDependOnHowTextsAreBatched) {
  const auto before = encoder(1);
  const auto after = encoder(2);
  const auto store = texts(20, 6);
  const auto whole = compare_representations(before, after, store, {64, 50, nullptr});
  const auto parts = compare_representations(before, after, store, {3, 50, nullptr});
  EXPECT_EQ(whole.tokens, 50);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(whole.cka[i], parts.cka[i], 1e-12);
    EXPECT_NEAR(whole.rsa[i], parts.rsa[i], 1e-12);
  }
}

TEST(Attention, ThatLooksEverywhereHasTheLargestEntropyAndTheMeanDistance) {
  const auto before = encoder(1);
  const auto even = encoder(1);
  change(even, "query", 0);
  const auto found = compare_representations(before, even, texts(4, 5), {});
  for (const auto& layer : found.after.entropy) {
    ASSERT_EQ(layer.size(), 3u);
    for (const double entropy : layer) EXPECT_NEAR(entropy, std::log(5.0), 1e-12);
  }
  for (const double distance : found.after.distance[0]) EXPECT_NEAR(distance, 40.0 / 25, 1e-12);
  for (const double entropy : found.before.entropy[0]) EXPECT_LT(entropy, std::log(5.0) - 1e-3);
}

TEST(Representations, CanBeEndedBeforeABatch) {
  const auto bert = encoder(1);
  int ticks = 0;
  EXPECT_THROW(compare_representations(bert, bert, texts(20, 6),
                                       {4, 50,
                                        [&] {
                                          if (++ticks == 3) throw 1;
                                        }}),
               int);
}

}  // namespace
}  // namespace berth::analysis

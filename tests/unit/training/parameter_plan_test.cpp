#include "core/training/parameter_plan.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace berth::training {
namespace {

using testing::HasSubstr;

model::Encoder small_encoder() {
  model::BertConfig config;
  config.vocab_size = 20;
  config.hidden_size = 8;
  config.num_hidden_layers = 4;
  config.num_attention_heads = 2;
  config.intermediate_size = 16;
  config.max_position_embeddings = 10;
  return {config, {}};
}

struct Fixture {
  model::Encoder encoder = small_encoder();
  std::vector<HeadParameters> heads = {
      {"a", std::nullopt, {{"output.weight", at::zeros({2, 8})}, {"output.bias", at::zeros({2})}}},
      {"b", 7e-4, {{"output.weight", at::zeros({3, 8})}}}};
  suite::OptimizerConfig config;

  ParameterPlan plan(bool uses_pooler = true) { return make_plan(encoder, uses_pooler, heads, config); }
  void freeze(const std::string& pattern) { config.freeze.push_back({pattern, {"suite.toml", 3, 9}}); }
};

const PlannedParameter& find(const ParameterPlan& plan, const std::string& name) {
  for (const auto& p : plan.parameters) {
    if (p.name == name) return p;
  }
  throw std::runtime_error("no parameter " + name);
}

std::vector<std::string> frozen_groups(const ParameterPlan& plan) {
  std::vector<std::string> groups;
  for (const auto& p : plan.parameters) {
    if (p.status == Status::kFrozen && (groups.empty() || groups.back() != p.group)) groups.push_back(p.group);
  }
  return groups;
}

TEST(ParameterPlan, FreezesByGroupRangeAndName) {
  Fixture f;
  f.freeze("embeddings");
  f.freeze("layers.1-2");
  f.freeze("heads.b");
  const auto plan = f.plan();
  EXPECT_THAT(frozen_groups(plan), testing::ElementsAre("embeddings", "layers.1", "layers.2", "heads.b"));
  for (const auto& p : plan.parameters) EXPECT_EQ(p.tensor.requires_grad(), p.status == Status::kTrained) << p.name;
}

TEST(ParameterPlan, LayerOneIsNotLayerTen) {
  Fixture f;
  f.freeze("encoder.layer.1");
  EXPECT_THAT(frozen_groups(f.plan()), testing::ElementsAre("layers.1"));
}

TEST(ParameterPlan, APatternThatMatchesNothingIsAnErrorWithItsPlaceAndTheNearestName) {
  Fixture f;
  f.freeze("embedings");
  try {
    f.plan();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kConfig);
    EXPECT_THAT(e.what(), HasSubstr("suite.toml:3:9"));
    EXPECT_THAT(e.what(), HasSubstr("did you mean 'embeddings'?"));
  }
  Fixture beyond;
  beyond.freeze("layers.9");
  EXPECT_THROW(beyond.plan(), Error);
}

TEST(ParameterPlan, FreezingEverythingIsAnError) {
  Fixture f;
  f.freeze("encoder");
  f.freeze("heads");
  EXPECT_THROW(f.plan(), Error);
}

TEST(ParameterPlan, RatesFallByLayerAndHeadsHaveTheirOwn) {
  Fixture f;
  f.config.rate = 1e-4;
  f.config.layer_decay = 0.5;
  f.config.head_rate = 1e-3;
  const auto plan = f.plan();
  EXPECT_DOUBLE_EQ(find(plan, "pooler.dense.weight").rate, 1e-4);
  EXPECT_DOUBLE_EQ(find(plan, "encoder.layer.3.output.dense.weight").rate, 1e-4 * 0.5);
  EXPECT_DOUBLE_EQ(find(plan, "encoder.layer.0.output.dense.weight").rate, 1e-4 * std::pow(0.5, 4));
  EXPECT_DOUBLE_EQ(find(plan, "embeddings.word_embeddings.weight").rate, 1e-4 * std::pow(0.5, 5));
  EXPECT_DOUBLE_EQ(find(plan, "heads.a.output.weight").rate, 1e-3);
  EXPECT_DOUBLE_EQ(find(plan, "heads.b.output.weight").rate, 7e-4);
}

TEST(ParameterPlan, AHeadWithAWarmupOfItsOwnHasItsOwnSchedule) {
  Fixture f;
  f.heads[1].has_schedule = true;
  const auto plan = f.plan();
  EXPECT_EQ(find(plan, "heads.a.output.weight").schedule, 0U);
  EXPECT_EQ(find(plan, "heads.b.output.weight").schedule, 2U);
  EXPECT_EQ(find(plan, "pooler.dense.weight").schedule, 0U);
}

TEST(ParameterPlan, BiasesAndLayerNormDoNotDecay) {
  Fixture f;
  f.config.weight_decay = 0.1;
  const auto plan = f.plan();
  EXPECT_EQ(find(plan, "embeddings.word_embeddings.weight").weight_decay, 0.1);
  EXPECT_EQ(find(plan, "embeddings.LayerNorm.weight").weight_decay, 0);
  EXPECT_EQ(find(plan, "encoder.layer.2.attention.output.LayerNorm.bias").weight_decay, 0);
  EXPECT_EQ(find(plan, "encoder.layer.2.output.dense.bias").weight_decay, 0);
  EXPECT_EQ(find(plan, "heads.a.output.bias").weight_decay, 0);
}

TEST(ParameterPlan, APoolerThatNobodyReadsIsUnused) {
  Fixture f;
  const auto plan = f.plan(false);
  EXPECT_EQ(find(plan, "pooler.dense.weight").status, Status::kUnused);
  EXPECT_EQ(plan.count(Status::kUnused), 8 * 8 + 8);
  EXPECT_DOUBLE_EQ(plan.trained_share(), 1.0);
  EXPECT_THAT(plan.describe(), HasSubstr("unused"));
}

}  // namespace
}  // namespace berth::training

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
  suite::FinetuningConfig finetuning;

  ParameterPlan plan(bool uses_pooler = true) { return make_plan(encoder, uses_pooler, heads, config, finetuning); }
  void train_only(const std::string& pattern) { config.train_only.push_back({pattern, {"suite.toml", 4, 9}}); }
  void freeze(const std::string& pattern) { config.freeze.push_back({pattern, {"suite.toml", 3, 9}}); }
};

const PlannedParameter& find(const ParameterPlan& plan, const std::string& name) {
  for (const auto& p : plan.parameters) {
    if (p.name == name) return p;
  }
  throw std::runtime_error("no parameter " + name);
}

// What is trained, without the heads.
std::vector<std::string> trained(const ParameterPlan& plan) {
  std::vector<std::string> names;
  for (const auto& p : plan.parameters) {
    if (p.status == Status::kTrained && !p.is_head()) names.push_back(p.name);
  }
  return names;
}

std::vector<std::string> trained_groups(const ParameterPlan& plan) {
  std::vector<std::string> groups;
  for (const auto& p : plan.parameters) {
    if (p.status == Status::kTrained && (groups.empty() || groups.back() != p.group)) groups.push_back(p.group);
  }
  return groups;
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

TEST(ParameterPlan, KindsOfParameters) {
  const std::string layer = "encoder.layer.3.";
  const auto only = [](const std::string& pattern) {
    Fixture f;
    f.train_only(pattern);
    auto names = trained(f.plan());
    std::erase_if(names, [](const std::string& name) { return layer_of(name) >= 0 && layer_of(name) < 3; });
    return names;
  };
  const std::string self = layer + "attention.self.", out = layer + "attention.output.";
  EXPECT_THAT(only("query"), testing::ElementsAre(self + "query.weight", self + "query.bias"));
  EXPECT_THAT(only("key"), testing::ElementsAre(self + "key.weight", self + "key.bias"));
  EXPECT_THAT(only("value"), testing::ElementsAre(self + "value.weight", self + "value.bias"));
  EXPECT_THAT(only("attention"), testing::ElementsAre(self + "query.weight", self + "query.bias", self + "key.weight",
                                                      self + "key.bias", self + "value.weight", self + "value.bias",
                                                      out + "dense.weight", out + "dense.bias"));
  EXPECT_THAT(only("feed_forward"),
              testing::ElementsAre(layer + "intermediate.dense.weight", layer + "intermediate.dense.bias",
                                   layer + "output.dense.weight", layer + "output.dense.bias"));
  EXPECT_THAT(only("norms"), testing::ElementsAre("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias",
                                                  out + "LayerNorm.weight", out + "LayerNorm.bias",
                                                  layer + "output.LayerNorm.weight", layer + "output.LayerNorm.bias"));
  EXPECT_THAT(only("biases"), testing::ElementsAre("embeddings.LayerNorm.bias", self + "query.bias", self + "key.bias",
                                                   self + "value.bias", out + "dense.bias", out + "LayerNorm.bias",
                                                   layer + "intermediate.dense.bias", layer + "output.dense.bias",
                                                   layer + "output.LayerNorm.bias", "pooler.dense.bias"));
}

TEST(ParameterPlan, TrainOnlyLeavesTheHeadsUnlessItNamesSome) {
  Fixture f;
  f.train_only("pooler");
  f.train_only("layers.3");
  EXPECT_THAT(trained_groups(f.plan()), testing::ElementsAre("layers.3", "pooler", "heads.a", "heads.b"));
  f.train_only("heads.b");
  f.freeze("layers.3");
  EXPECT_THAT(trained_groups(f.plan()), testing::ElementsAre("pooler", "heads.b"));
  Fixture wrong;
  wrong.train_only("bias");
  EXPECT_THAT([&] { wrong.plan(); }, testing::ThrowsMessage<Error>(testing::AllOf(
                                         HasSubstr("suite.toml:4:9"), HasSubstr("optimizer.train_only: 'bias'"),
                                         HasSubstr("did you mean 'biases'?"))));
}

TEST(ParameterPlan, MethodsStandForPatterns) {
  const auto groups = [](suite::Method method) {
    Fixture f;
    f.finetuning.method = method;
    return trained_groups(f.plan());
  };
  using suite::Method;
  EXPECT_THAT(groups(Method::kStudy), testing::ElementsAre("embeddings", "pooler", "heads.a", "heads.b"));
  EXPECT_THAT(groups(Method::kHeads), testing::ElementsAre("heads.a", "heads.b"));
  EXPECT_THAT(groups(Method::kTop), testing::ElementsAre("layers.2", "layers.3", "pooler", "heads.a", "heads.b"));
  Fixture biases;
  biases.finetuning.method = Method::kBiases;
  for (const auto& name : trained(biases.plan())) EXPECT_TRUE(name.ends_with(".bias")) << name;
  Fixture high;
  high.finetuning.method = Method::kTop;
  high.finetuning.top_layers = 5;
  EXPECT_THROW(high.plan(), Error);
}

TEST(ParameterPlan, AdaptersStandForTheirWeights) {
  Fixture f;
  f.finetuning.method = suite::Method::kLora;
  f.finetuning.lora_rank = 3;
  f.finetuning.lora_targets = {{"value", {}}, {"encoder.layer.0.output", {}}};
  f.freeze("layers.1-2");
  const auto plan = f.plan();
  std::vector<std::string> weights;
  for (const auto& adapter : plan.adapters) {
    weights.push_back(adapter.weight);
    const auto& weight = find(plan, adapter.weight + ".weight");
    EXPECT_TRUE(weight.tensor.is_same(adapter.tensor));
    EXPECT_EQ(weight.status, Status::kAdapted);
    EXPECT_TRUE(weight.tensor.requires_grad());
    EXPECT_EQ(adapter.a.sizes(), (at::IntArrayRef{3, weight.tensor.size(1)}));
    EXPECT_EQ(adapter.b.sizes(), (at::IntArrayRef{weight.tensor.size(0), 3}));
    EXPECT_TRUE(at::equal(adapter.b, at::zeros_like(adapter.b)));
    EXPECT_GT(adapter.a.abs().max().item<double>(), 0);
    EXPECT_LE(adapter.a.abs().max().item<double>(), 1 / std::sqrt(static_cast<double>(weight.tensor.size(1))));
  }
  EXPECT_THAT(weights, testing::ElementsAre("encoder.layer.0.attention.self.value", "encoder.layer.0.output.dense",
                                            "encoder.layer.3.attention.self.value"));
  for (const auto& name : trained(plan)) EXPECT_NE(name.find(".lora_"), std::string::npos) << name;
  EXPECT_EQ(find(plan, "encoder.layer.0.output.dense.lora_A.weight").group, "layers.0");
  EXPECT_EQ(plan.count(Status::kTrained), 2 * (3 * 8 + 8 * 3) + (3 * 16 + 8 * 3) + 2 * 8 + 2 + 3 * 8);
  EXPECT_TRUE(at::equal(plan.adapters[1].a, f.plan().adapters[1].a)) << "a run repeats";
  Fixture wrong;
  wrong.finetuning.method = suite::Method::kLora;
  const auto complaint = [&wrong](const std::string& target) -> std::string {
    wrong.finetuning.lora_targets = {{target, {}}};
    try {
      wrong.plan();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(complaint("norms"), testing::HasSubstr("'norms' names no matrix"));
  EXPECT_THAT(complaint("quary"), testing::HasSubstr("did you mean 'query'?"));
  wrong.freeze("query");
  EXPECT_THAT(complaint("query"), testing::HasSubstr("optimizer.freeze"));
}

TEST(ParameterPlan, WhatIsFrozenSavesProducts) {
  const auto share = [](const std::vector<std::string>& frozen) {
    Fixture f;
    for (const auto& pattern : frozen) f.freeze(pattern);
    return f.plan().compute_share();
  };
  EXPECT_DOUBLE_EQ(share({}), 1);
  EXPECT_DOUBLE_EQ(share({"encoder"}), 1.0 / 3);
  // The first trained layer's queries, keys and values need no gradient of their input.
  const double saved = 3.0 * 8 * 8 / (3 * 4 * (4 * 8 * 8 + 2 * 8 * 16));
  EXPECT_DOUBLE_EQ(share({"embeddings"}), 1 - saved);
  EXPECT_DOUBLE_EQ(share({"embeddings", "layers.0-1"}), 0.5 + 0.5 / 3 - saved);
  EXPECT_DOUBLE_EQ(share({"layers"}), 2.0 / 3) << "gradients pass through to the embeddings";
}

TEST(ParameterPlan, WhatFineTuningChangesHasToLearn) {
  Fixture again;
  again.finetuning.reinitialize_layers = 2;
  EXPECT_NO_THROW(again.plan());
  EXPECT_NO_THROW(again.plan(false)) << "an unused pooler is no matter";
  again.freeze("encoder.layer.2.output.dense.bias");
  EXPECT_THAT([&] { again.plan(); }, testing::ThrowsMessage<Error>(HasSubstr("encoder.layer.2.output.dense.bias")));
  Fixture moved;
  moved.finetuning.adversarial = 1;
  EXPECT_NO_THROW(moved.plan());
  moved.freeze("embeddings");
  EXPECT_THAT([&] { moved.plan(); }, testing::ThrowsMessage<Error>(HasSubstr("finetuning.adversarial")));
}

TEST(ParameterPlan, DecayToThePretrainedWeightsIsTheEncodersAlone) {
  Fixture f;
  f.config.decay_to = suite::DecayTarget::kPretrained;
  f.freeze("layers.0");
  for (const auto& p : f.plan().parameters) {
    const bool is_pulled = p.status == Status::kTrained && !p.is_head() && p.weight_decay > 0;
    ASSERT_EQ(p.anchor.defined(), is_pulled) << p.name;
    if (!is_pulled) continue;
    EXPECT_TRUE(at::equal(p.anchor, p.tensor));
    EXPECT_FALSE(p.anchor.is_alias_of(p.tensor));
  }
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

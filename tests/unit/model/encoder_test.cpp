#include "core/model/encoder.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <map>

#include "berth/error.h"
#include "core/checkpoint/model_folder.h"
#include "core/checkpoint/safetensors.h"

namespace berth::model {
namespace {

using ::testing::HasSubstr;

// A tiny random BERT and what transformers computes from it; see data/make_golden.py.
class TinyBert : public ::testing::Test {
 protected:
  static Encoder load(at::ScalarType type) {
    EncoderOptions options;
    options.dtype = type;
    return checkpoint::load_encoder(BERTH_TEST_DATA "/tiny", options).encoder;
  }

  double error(const at::Tensor& found, const std::string& golden) const {
    return (found - golden_.tensor(golden)).abs().max().item<double>();
  }

  checkpoint::SafetensorsFile golden_{BERTH_TEST_DATA "/tiny_outputs.safetensors"};
  EncoderInput input_{golden_.tensor("ids"), golden_.tensor("segments"), golden_.tensor("positions"),
                      golden_.tensor("offsets")};
};

TEST_F(TinyBert, EqualsTransformers) {
  const at::NoGradGuard no_grad;
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    const Encoder encoder = load(type);
    const auto states = encoder.hidden_states(input_);
    ASSERT_EQ(states.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(error(states[i], "hidden." + std::to_string(i)), 5e-6) << i;
    EXPECT_LT(error(encoder.forward(input_, {HeadInput::kPooled, false, {}}).pooled, "pooled"), 5e-6);
    EXPECT_EQ(states[2].scalar_type(), type);
  }
}

TEST_F(TinyBert, GivesWhatTheHeadReadsAndTheSameHoweverMuchThatIs) {
  const at::NoGradGuard no_grad;
  const Encoder encoder = load(at::kDouble);
  const EncoderOutput all = encoder.forward(input_, {HeadInput::kAllTokens, false, {}});
  const EncoderOutput first = encoder.forward(input_, {HeadInput::kFirstToken, false, {}});
  const EncoderOutput pooled = encoder.forward(input_, {HeadInput::kPooled, false, {}});
  EXPECT_TRUE(all.hidden.defined() && !all.pooled.defined());
  EXPECT_TRUE(!first.hidden.defined() && !first.pooled.defined());
  EXPECT_TRUE(!pooled.hidden.defined() && pooled.pooled.defined());
  EXPECT_TRUE(at::equal(all.first, all.hidden.index_select(0, input_.offsets.narrow(0, 0, 3))));
  EXPECT_LT((all.first - first.first).abs().max().item<double>(), 1e-14);
  EXPECT_TRUE(at::equal(first.first, pooled.first));
  EXPECT_TRUE(at::equal(all.hidden, encoder.hidden_states(input_).back()));
}

std::map<std::string, at::Tensor> gradients(const Encoder& encoder, const at::Tensor& loss) {
  loss.backward();
  std::map<std::string, at::Tensor> result;
  for (const auto& [name, tensor] : encoder.parameters()) {
    if (tensor.grad().defined()) result[name] = tensor.grad().to_dense().clone();
    tensor.mutable_grad() = at::Tensor();
  }
  return result;
}

TEST_F(TinyBert, GradientsAreTheSameFromFirstRowsAlone) {
  const Encoder encoder = load(at::kDouble);
  for (const auto& parameter : encoder.parameters()) parameter.tensor.requires_grad_(true);
  const auto loss = [&](HeadInput input) { return encoder.forward(input_, {input, false, {}}).first.pow(3).sum(); };
  const auto all = gradients(encoder, loss(HeadInput::kAllTokens));
  const auto first = gradients(encoder, loss(HeadInput::kFirstToken));
  ASSERT_EQ(all.size(), encoder.parameters().size() - 2);  // not the pooler
  ASSERT_EQ(first.size(), all.size());
  for (const auto& [name, gradient] : all) {
    EXPECT_LT((gradient - first.at(name)).abs().max().item<double>(), 1e-11) << name;
  }
}

TEST_F(TinyBert, TrainingRepeatsByItsKeyAlone) {
  const Encoder encoder = load(at::kFloat);
  for (const auto& parameter : encoder.parameters()) parameter.tensor.requires_grad_(true);
  const auto run = [&](std::uint64_t seed, std::uint64_t draw) {
    return encoder.forward(input_, {HeadInput::kAllTokens, true, {seed, draw}}).hidden;
  };
  const at::Tensor base = run(1, 2);
  EXPECT_TRUE(at::equal(base, run(1, 2)));
  EXPECT_FALSE(at::equal(base, run(2, 2)));
  EXPECT_FALSE(at::equal(base, run(1, 3)));
  EXPECT_FALSE(at::equal(base, encoder.forward(input_, {HeadInput::kAllTokens, false, {1, 2}}).hidden));
}

TEST_F(TinyBert, DropoutOfTheOptionsReplacesTheConfigs) {
  EncoderOptions options;
  options.dropout = 0;
  options.attention_dropout = 0;
  const Encoder encoder = checkpoint::load_encoder(BERTH_TEST_DATA "/tiny", options).encoder;
  const auto run = [&](bool training) {
    return encoder.forward(input_, {HeadInput::kAllTokens, training, {1, 2}}).hidden;
  };
  EXPECT_TRUE(at::equal(run(true), run(false)));
}

// The embeddings and the first layer are frozen.
TEST_F(TinyBert, WhatIsFrozenHasNoDropoutAndCanBeComputedBefore) {
  const Encoder encoder = load(at::kDouble);
  const auto& parameters = encoder.parameters();
  for (const auto& p : parameters)
    p.tensor.requires_grad_(!p.name.starts_with("embeddings") && p.name.find("layer.0.") == std::string::npos);
  EXPECT_EQ(encoder.fixed_stages(true), 2);
  EncoderInput known = input_;
  known.stages = 2;
  known.hidden = encoder.lower(input_, 2);
  EXPECT_TRUE(at::equal(known.hidden, encoder.hidden_states(input_)[1]));
  for (const auto read : {HeadInput::kAllTokens, HeadInput::kFirstToken, HeadInput::kPooled}) {
    const auto whole = encoder.forward(input_, {read, true, {1, 2}});
    const auto rest = encoder.forward(known, {read, true, {1, 2}});
    EXPECT_TRUE(at::equal(whole.first, rest.first));
    EXPECT_TRUE(!whole.hidden.defined() || at::equal(whole.hidden, rest.hidden));
    EXPECT_FALSE(at::equal(whole.first, encoder.forward(input_, {read, true, {1, 3}}).first)) << "the top has dropout";
  }
}

TEST_F(TinyBert, AFrozenEncoderIsFixedWholeUnlessItKeepsDropout) {
  EncoderOptions options;
  options.frozen_dropout = true;
  const Encoder noisy = checkpoint::load_encoder(BERTH_TEST_DATA "/tiny", options).encoder;
  const Encoder plain = load(at::kFloat);
  for (const Encoder* encoder : {&noisy, &plain}) {
    for (const auto& p : encoder->parameters()) p.tensor.requires_grad_(p.name.starts_with("pooler"));
  }
  EXPECT_EQ(noisy.fixed_stages(true), 0);
  EXPECT_EQ(noisy.fixed_stages(false), 3);
  ASSERT_EQ(plain.fixed_stages(true), 3);
  const EncoderRun run{HeadInput::kPooled, true, {1, 2}};
  EncoderInput known = input_;
  known.stages = 3;
  known.hidden = plain.lower(input_, 3);
  const at::Tensor expected = plain.forward(input_, run).pooled;
  EXPECT_LT((plain.forward(known, run).pooled - expected).abs().max().item<double>(), 1e-6);
  EXPECT_GT((noisy.forward(input_, run).pooled - expected).abs().max().item<double>(), 1e-3);
}

TEST_F(TinyBert, EvaluationKeepsNoGraph) {
  const Encoder encoder = load(at::kFloat);
  for (const auto& parameter : encoder.parameters()) parameter.tensor.requires_grad_(true);
  const at::NoGradGuard no_grad;
  const at::Tensor hidden = encoder.forward(input_, {HeadInput::kAllTokens, false, {}}).hidden;
  EXPECT_FALSE(hidden.requires_grad());
  EXPECT_EQ(hidden.grad_fn(), nullptr);
}

TEST_F(TinyBert, IdsOutsideOfTheModelAreAClearError) {
  const Encoder encoder = load(at::kFloat);
  const auto message = [&](at::Tensor EncoderInput::*field, std::int64_t value) -> std::string {
    EncoderInput input = input_;
    input.*field = (input.*field).clone();
    (input.*field)[4].fill_(value);
    try {
      encoder.forward(input, {});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent);
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(&EncoderInput::ids, 40), HasSubstr("token id 40"));
  EXPECT_THAT(message(&EncoderInput::ids, -1), HasSubstr("token id -1"));
  EXPECT_THAT(message(&EncoderInput::positions, 12), HasSubstr("position 12"));
  EXPECT_THAT(message(&EncoderInput::segments, 2), HasSubstr("segment 2"));
}

BertConfig small_config() {
  BertConfig config;
  config.vocab_size = 500;
  config.hidden_size = 24;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.intermediate_size = 40;
  config.pad_token_id = 4;
  return config;
}

TEST(EncoderStart, IsBertsAndRepeats) {
  const Encoder one(small_config(), {});
  const Encoder same(small_config(), {});
  EncoderOptions other_seed;
  other_seed.seed = 43;
  const Encoder other(small_config(), other_seed);
  std::size_t random = 0;
  for (std::size_t i = 0; i < one.parameters().size(); ++i) {
    const auto& [name, tensor] = one.parameters()[i];
    EXPECT_TRUE(at::equal(tensor, same.parameters()[i].tensor)) << name;
    const bool norm = name.find("LayerNorm.weight") != std::string::npos;
    if (name.ends_with("bias") || norm) {
      EXPECT_TRUE((tensor == (norm ? 1 : 0)).all().item<bool>()) << name;
    } else {
      ++random;
      EXPECT_FALSE(at::equal(tensor, other.parameters()[i].tensor)) << name;
    }
  }
  EXPECT_EQ(random, 3U + 2U * 6U + 1U);
  const at::Tensor words = one.parameters()[0].tensor;
  EXPECT_NEAR(words.std().item<double>(), 0.02, 0.001);
  EXPECT_NEAR(words.mean().item<double>(), 0, 0.001);
  EXPECT_TRUE((words[4] == 0).all().item<bool>());
  EXPECT_FALSE((words[0] == 0).any().item<bool>());
}

TEST(EncoderStart, OfOneParameterDoesNotDependOnTheOthers) {
  const Encoder all(small_config(), {});
  Encoder one(small_config(), {}, StartValues::kNone);
  one.initialise(9);
  EXPECT_TRUE(at::equal(one.parameters()[9].tensor, all.parameters()[9].tensor));
}

TEST(EncoderParameters, AreLeavesUnderTransformersNames) {
  const Encoder encoder(small_config(), {});
  const auto& parameters = encoder.parameters();
  ASSERT_EQ(parameters.size(), 5U + 2U * 16U + 2U);
  EXPECT_EQ(parameters[0].name, "embeddings.word_embeddings.weight");
  EXPECT_EQ(parameters[5].name, "encoder.layer.0.attention.self.query.weight");
  EXPECT_EQ(parameters.back().name, "pooler.dense.bias");
  for (const auto& [name, tensor] : parameters) {
    EXPECT_TRUE(tensor.is_leaf()) << name;
    EXPECT_TRUE(tensor.is_contiguous()) << name;
    EXPECT_FALSE(tensor.requires_grad()) << name;
  }
}

TEST(EncoderPadding, EmbeddingOfThePaddingTokenLearnsNothing) {
  const Encoder encoder(small_config(), {});
  const at::Tensor words = encoder.parameters()[0].tensor;
  words.requires_grad_(true);
  const EncoderInput input{at::tensor({7, 4, 9}, at::kLong), at::tensor({0, 0, 0}, at::kLong),
                           at::tensor({0, 1, 2}, at::kLong), at::tensor({0, 3}, at::kLong)};
  encoder.forward(input, {}).hidden.pow(3).sum().backward();
  EXPECT_TRUE((words.grad().to_dense()[4] == 0).all().item<bool>());
  EXPECT_TRUE((words.grad().to_dense()[9] != 0).any().item<bool>());
}

}  // namespace
}  // namespace berth::model

#include "core/finetuning/reinitialize.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "core/training/parameter_patterns.h"

namespace berth::finetuning {
namespace {

TEST(Reinitialize, IsTheLastLayersAndThePooler) {
  model::BertConfig config;
  config.vocab_size = 20;
  config.hidden_size = 32;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 2;
  config.intermediate_size = 64;
  config.max_position_embeddings = 10;
  model::Encoder encoder(config, {});
  const at::NoGradGuard no_grad;
  for (const auto& p : encoder.parameters()) p.tensor.fill_(9);
  reinitialize(encoder, 2);
  for (const auto& [name, tensor] : encoder.parameters()) {
    SCOPED_TRACE(name);
    if (training::layer_of(name) < 1 && !name.starts_with("pooler")) {
      EXPECT_EQ(tensor.min().item<double>(), 9);
    } else if (name.ends_with(".bias")) {
      EXPECT_EQ(tensor.abs().max().item<double>(), 0);
    } else if (name.find("LayerNorm") != std::string::npos) {
      EXPECT_TRUE(at::equal(tensor, at::ones_like(tensor)));
    } else {
      EXPECT_NEAR(tensor.std().item<double>(), config.initializer_range, 0.15 * config.initializer_range);
    }
  }
  model::Encoder other(config, {});
  for (const auto& p : other.parameters()) p.tensor.fill_(9);
  reinitialize(other, 2);
  for (std::size_t i = 0; i < encoder.parameters().size(); ++i) {
    EXPECT_TRUE(at::equal(encoder.parameters()[i].tensor, other.parameters()[i].tensor));
  }
}

}  // namespace
}  // namespace berth::finetuning

#include "core/serve/shared_pass.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <gtest/gtest.h>

#include "core/data/encoded_batch.h"

namespace berth::serve {
namespace {

model::BertConfig small_config() {
  model::BertConfig config;
  config.vocab_size = 50;
  config.hidden_size = 16;
  config.num_hidden_layers = 3;
  config.num_attention_heads = 2;
  config.intermediate_size = 32;
  config.max_position_embeddings = 32;
  config.type_vocab_size = 2;
  return config;
}

Encoding encoding(std::vector<std::int32_t> ids, std::uint8_t segment = 0) {
  Encoding result;
  result.segments.assign(ids.size(), segment);
  result.ids = std::move(ids);
  return result;
}

class SharedPassTest : public ::testing::Test {
 protected:
  static model::EncoderOptions options() {
    model::EncoderOptions options;
    options.dtype = at::kDouble;
    return options;
  }

  // As one head alone would have it.
  model::EncoderOutput alone(const std::vector<Encoding>& sequences, HeadInput input) const {
    const at::NoGradGuard no_grad;
    data::FeatureStore store({}, at::kDouble, "test");
    for (const auto& sequence : sequences) store.add({sequence, {}});
    const auto batch = store.pack_from(0, store.size());
    model::EncoderRun run;
    run.input = input;
    return encoder_.forward(data::encoder_input(*batch), run);
  }

  model::Encoder encoder_{small_config(), options()};
  const Encoding a_ = encoding({1, 7, 8, 2});
  const Encoding b_ = encoding({1, 9, 2});
  const Encoding c_ = encoding({1, 7, 8, 2}, 1);  // as a_, but for the segment
};

bool is_close(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && at::allclose(a, b, 1e-10, 1e-12);
}

TEST_F(SharedPassTest, GivesEachHeadWhatItWouldHaveAlone) {
  SharedPass pass(encoder_);
  const std::vector<std::int64_t> pooled = {pass.add(b_, HeadInput::kPooled), pass.add(a_, HeadInput::kPooled)};
  const std::vector<std::int64_t> tokens = {pass.add(a_, HeadInput::kAllTokens), pass.add(c_, HeadInput::kAllTokens),
                                            pass.add(a_, HeadInput::kAllTokens)};
  const std::vector<std::int64_t> first = {pass.add(c_, HeadInput::kFirstToken)};
  EXPECT_EQ(pass.sequences(), 3) << "equal ones are computed once";
  EXPECT_EQ(pass.tokens(), 11);
  pass.run();

  const auto of_pooled = pass.output(pooled, HeadInput::kPooled);
  const auto expected_pooled = alone({b_, a_}, HeadInput::kPooled);
  EXPECT_TRUE(is_close(of_pooled.first, expected_pooled.first));
  EXPECT_TRUE(is_close(of_pooled.pooled, expected_pooled.pooled));
  EXPECT_FALSE(of_pooled.hidden.defined());

  const auto of_tokens = pass.output(tokens, HeadInput::kAllTokens);
  const auto expected_tokens = alone({a_, c_, a_}, HeadInput::kAllTokens);
  EXPECT_TRUE(is_close(of_tokens.hidden, expected_tokens.hidden));
  EXPECT_TRUE(is_close(of_tokens.first, expected_tokens.first));
  EXPECT_FALSE(of_tokens.pooled.defined());

  EXPECT_TRUE(is_close(pass.output(first, HeadInput::kFirstToken).first, alone({c_}, HeadInput::kFirstToken).first));
}

TEST_F(SharedPassTest, GivesAnyPartInAnyOrder) {
  SharedPass pass(encoder_);
  const auto a = pass.add(a_, HeadInput::kAllTokens);
  const auto b = pass.add(b_, HeadInput::kAllTokens);
  pass.run();
  EXPECT_TRUE(is_close(pass.output({b}, HeadInput::kAllTokens).hidden, alone({b_}, HeadInput::kAllTokens).hidden));
  EXPECT_TRUE(
      is_close(pass.output({b, a}, HeadInput::kAllTokens).hidden, alone({b_, a_}, HeadInput::kAllTokens).hidden));
}

}  // namespace
}  // namespace berth::serve

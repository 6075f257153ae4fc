// The methods as the trainer meets them: sums and counts in place of the head's.
#include "core/debias/debiasing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>

#include "core/data/encoded_batch.h"
#include "core/data/feature_store.h"

namespace berth::debias {
namespace {

using suite::DebiasMethod;

class PlainHead final : public Head {
 public:
  HeadInput input() const override { return HeadInput::kFirstToken; }
  Outputs forward(const Encoded& encoded) override { return {{"logits", encoded.first()}}; }
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override {
    Loss loss;
    loss.values = log_probabilities(outputs, batch).gather(1, targets(batch).unsqueeze(1)).squeeze(1).neg();
    loss.sum = loss.values.sum();
    loss.count = static_cast<double>(batch.size());
    loss.sequences = at::arange(batch.size(), at::kLong);
    if (detail == LossDetail::kSum) loss.values = loss.sequences = at::Tensor();
    return loss;
  }
  at::Tensor log_probabilities(const Outputs& outputs, const Batch&) override {
    return at::log_softmax(outputs.at("logits"), 1);
  }
  at::Tensor targets(const Batch& batch) override { return batch.field("label"); }
};

class DebiasingTest : public testing::Test {
 protected:
  DebiasingTest() : store_({{"label"}}, at::kDouble, "task 'x'") {
    for (std::int64_t i = 0; i < 12; ++i) {
      Feature feature;
      feature.encoding.ids = {1};
      feature.encoding.segments = {0};
      feature.encoding.words = {-1};
      feature.encoding.offsets.resize(1);
      feature.encoding.specials = {1};
      feature.fields["label"] = std::vector<std::int64_t>{i % 3};
      store_.add(feature);
    }
    batch_ = store_.pack(features_);
    logits_ = at::randn({std::ssize(features_), 3}, at::kDouble).requires_grad_();
  }

  static DebiasParts parts(DebiasMethod method) {
    DebiasParts parts;
    parts.config.method = method;
    return parts;
  }

  // Of the loss on logits_, divided by its count.
  at::Tensor gradient(const std::function<Loss(const data::EncodedBatch&)>& loss_of) {
    model::EncoderOutput output;
    output.first = logits_;
    const data::EncodedBatch encoded(*batch_, output);
    const Loss loss = loss_of(encoded);
    logits_.mutable_grad() = at::Tensor();
    (loss.sum / loss.count).backward();
    return logits_.grad().clone();
  }
  at::Tensor gradient(Debiasing& debiasing) {
    debiasing.begin_micro_batch();
    return gradient([&](const data::EncodedBatch& encoded) {
      return debiasing.loss(head_, {encoded, head_.forward(encoded), features_});
    });
  }
  at::Tensor plain() {
    return gradient([&](const data::EncodedBatch& encoded) {
      return head_.loss(head_.forward(encoded), *batch_, LossDetail::kSum);
    });
  }
  static double gap(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

  PlainHead head_;
  data::FeatureStore store_;
  std::vector<std::int64_t> features_ = {7, 2, 9, 4, 0};
  std::unique_ptr<Batch> batch_;
  at::Tensor logits_;
};

TEST_F(DebiasingTest, ABiasOfNothingIsPlainTraining) {
  auto experts = parts(DebiasMethod::kProductOfExperts);
  experts.table = at::full({12, 3}, std::log(1.0 / 3), at::kDouble);
  Debiasing uniform(experts);
  EXPECT_LT(gap(gradient(uniform), plain()), 1e-12);

  auto weights = parts(DebiasMethod::kReweighting);
  weights.weights = at::ones({12}, at::kDouble);
  Debiasing even(weights);
  EXPECT_TRUE(at::equal(gradient(even), plain()));

  auto groups = parts(DebiasMethod::kGroupDro);
  groups.groups = {{"all"}, std::vector<std::int64_t>(12, 0)};
  Debiasing one_group(groups);
  EXPECT_TRUE(at::equal(gradient(one_group), plain()));
}

// Rows of tables are found by the feature's place in the set, not in the batch.
TEST_F(DebiasingTest, EachFeatureHasItsOwnBias) {
  auto weights = parts(DebiasMethod::kReweighting);
  weights.weights = at::arange(12, at::kDouble);
  Debiasing debiasing(weights);
  const at::Tensor expected = plain() * at::tensor(features_, at::kLong).to(at::kDouble).unsqueeze(1);
  EXPECT_LT(gap(gradient(debiasing), expected), 1e-12);

  auto experts = parts(DebiasMethod::kProductOfExperts);
  experts.table = at::log_softmax(at::randn({12, 3}, at::kDouble), 1);
  Debiasing product(experts);
  const at::Tensor both =
      at::log_softmax(logits_.detach(), 1) + experts.table.index_select(0, at::tensor(features_, at::kLong));
  const at::Tensor truth = at::zeros_like(both).scatter(1, batch_->field("label").unsqueeze(1), 1.0);
  EXPECT_LT(gap(gradient(product), (both.softmax(1) - truth) / 5), 1e-12);
}

TEST_F(DebiasingTest, AMicroBatchMovesTheGroupsOnce) {
  auto groups = parts(DebiasMethod::kGroupDro);
  groups.groups = {{"even", "odd"}, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}};
  groups.config.step_size = 1;
  Debiasing debiasing(groups);
  gradient(debiasing);
  const auto once = debiasing.dro()->weights();
  EXPECT_NE(once[0], 0.5);
  gradient([&](const data::EncodedBatch& encoded) {  // a second pass
    return debiasing.loss(head_, {encoded, head_.forward(encoded), features_});
  });
  EXPECT_EQ(debiasing.dro()->weights(), once);
  gradient(debiasing);
  EXPECT_NE(debiasing.dro()->weights(), once);
}

TEST_F(DebiasingTest, TheGateLearnsAndIsReported) {
  auto mixin = parts(DebiasMethod::kLearnedMixin);
  mixin.table = at::log_softmax(at::randn({12, 3}, at::kDouble), 1);
  mixin.gate.emplace(3, 0.02, 1, at::kDouble);
  mixin.gate->weight.requires_grad_();
  mixin.gate->bias.requires_grad_();
  Debiasing debiasing(mixin);
  EXPECT_FALSE(debiasing.mean_gate());
  gradient(debiasing);
  EXPECT_NE(mixin.gate->bias.grad().item<double>(), 0);
  EXPECT_NEAR(*debiasing.mean_gate(), std::log(2.0), 0.1);  // softplus near 0
}

}  // namespace
}  // namespace berth::debias

#include "berth/kit/losses.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "support.h"

namespace berth::kit {
namespace {

using test::expect_error;

at::Tensor random(std::vector<std::int64_t> sizes, double scale = 2) {
  return at::randn(sizes, at::kDouble).mul(scale);
}

void expect_near(const at::Tensor& a, const at::Tensor& b, double tolerance) {
  EXPECT_LE((a - b).abs().max().item<double>(), tolerance);
}

at::Tensor mean(const Loss& loss) { return loss.sum / loss.count; }

// Cross-entropy written out: the weighted negative log-probability of the target, smoothed with the weighted ones of
// all classes.
double written_out(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights, double smoothing,
                   double& count) {
  const std::int64_t classes = logits.size(1);
  double sum = 0;
  count = 0;
  for (std::int64_t k = 0; k < logits.size(0); ++k) {
    const auto target = targets[k].item<std::int64_t>();
    if (target == -100) continue;
    double normalizer = 0;
    for (std::int64_t c = 0; c < classes; ++c) normalizer += std::exp(logits[k][c].item<double>());
    const auto negative_log = [&](std::int64_t c) {
      const double weight = weights.defined() ? weights[c].item<double>() : 1;
      return weight * (std::log(normalizer) - logits[k][c].item<double>());
    };
    double all = 0;
    for (std::int64_t c = 0; c < classes; ++c) all += negative_log(c);
    sum += (1 - smoothing) * negative_log(target) + smoothing / static_cast<double>(classes) * all;
    count += weights.defined() ? weights[target].item<double>() : 1;
  }
  return sum;
}

// The gradient of `loss` at `input` by central differences.
void expect_gradient(const std::function<at::Tensor(const at::Tensor&)>& loss, const at::Tensor& input) {
  const at::Tensor leaf = input.clone().set_requires_grad(true);
  loss(leaf).backward();
  constexpr double kStep = 1e-6;
  for (std::int64_t i = 0; i < input.numel(); ++i) {
    at::Tensor up = input.clone();
    at::Tensor down = input.clone();
    up.view({-1})[i] += kStep;
    down.view({-1})[i] -= kStep;
    const double numeric = (loss(up) - loss(down)).item<double>() / (2 * kStep);
    EXPECT_NEAR(leaf.grad().view({-1})[i].item<double>(), numeric, 1e-7);
  }
}

struct CrossEntropyCase {
  bool weighted;
  double smoothing;
  bool ignores;

  // The test's name; without it GoogleTest prints the bytes, padding included.
  friend void PrintTo(const CrossEntropyCase& c, std::ostream* out) {
    *out << (c.weighted ? "weighted" : "plain") << ", smoothing " << c.smoothing << (c.ignores ? ", ignoring" : "");
  }
};

class CrossEntropy : public testing::TestWithParam<CrossEntropyCase> {
 protected:
  void SetUp() override {
    at::manual_seed(7);
    logits_ = random({9, 4});
    targets_ = at::randint(4, {9}, at::kLong);
    if (GetParam().ignores) targets_.slice(0, 2, 5).fill_(-100);
    if (GetParam().weighted) options_.weights = at::rand({4}, at::kDouble) + 0.1;
    options_.smoothing = GetParam().smoothing;
  }

  at::Tensor logits_;
  at::Tensor targets_;
  CrossEntropyOptions options_;
};

TEST_P(CrossEntropy, IsTorchsMeanAndTheFormula) {
  const Loss loss = cross_entropy(logits_, targets_, LossDetail::kSum, options_);
  const std::optional<at::Tensor> weights = options_.weights.defined() ? std::optional(options_.weights) : std::nullopt;
  const at::Tensor torch =
      at::cross_entropy_loss(logits_, targets_, weights, at::Reduction::Mean, -100, options_.smoothing);
  EXPECT_NEAR(mean(loss).item<double>(), torch.item<double>(), 1e-14);
  double count = 0;
  EXPECT_NEAR(loss.sum.item<double>(), written_out(logits_, targets_, options_.weights, options_.smoothing, count),
              1e-12);
  EXPECT_NEAR(loss.count, count, 1e-12);
  EXPECT_FALSE(loss.values.defined());
}

TEST_P(CrossEntropy, ValuesSumToTheSumAndNameTheirSequences) {
  const Loss sum = cross_entropy(logits_, targets_, LossDetail::kSum, options_);
  const Loss loss = cross_entropy(logits_, targets_, LossDetail::kValues, options_);
  const at::Tensor counted = targets_.ne(-100);
  ASSERT_EQ(loss.values.numel(), counted.sum().item<std::int64_t>());
  EXPECT_NEAR(loss.values.sum().item<double>(), sum.sum.item<double>(), 1e-12);
  EXPECT_NEAR(loss.sum.item<double>(), sum.sum.item<double>(), 1e-12);
  EXPECT_EQ(loss.count, sum.count);
  EXPECT_TRUE(at::equal(loss.sequences, at::arange(9).masked_select(counted)));

  options_.sequences = at::arange(9).div(3, "floor");  // three tokens a sequence
  const Loss tokens = cross_entropy(logits_, targets_, LossDetail::kValues, options_);
  EXPECT_TRUE(at::equal(tokens.sequences, options_.sequences.masked_select(counted)));
}

TEST_P(CrossEntropy, GradientIsTheNumericOne) {
  for (const LossDetail detail : {LossDetail::kSum, LossDetail::kValues}) {
    expect_gradient([&](const at::Tensor& x) { return cross_entropy(x, targets_, detail, options_).sum; }, logits_);
  }
}

INSTANTIATE_TEST_SUITE_P(Options, CrossEntropy,
                         testing::Values(CrossEntropyCase{false, 0, false}, CrossEntropyCase{true, 0, false},
                                         CrossEntropyCase{false, 0.1, false}, CrossEntropyCase{true, 0.1, true},
                                         CrossEntropyCase{true, 1, true}, CrossEntropyCase{false, 0, true}));

TEST(CrossEntropyEdges, NothingCountedIsZeroOfZero) {
  const at::Tensor logits = random({3, 2}).set_requires_grad(true);
  const Loss loss = cross_entropy(logits, at::full({3}, -100, at::kLong), LossDetail::kValues);
  EXPECT_EQ(loss.count, 0);
  EXPECT_EQ(loss.sum.item<double>(), 0);
  EXPECT_EQ(loss.values.numel(), 0);
  loss.sum.backward();
  EXPECT_EQ(logits.grad().abs().sum().item<double>(), 0);
}

TEST(CrossEntropyEdges, WrongTargetsAndShapesAreThePluginsFault) {
  const at::Tensor logits = random({3, 2});
  const auto call = [&](const at::Tensor& targets) {
    return [&] { cross_entropy(logits, targets, LossDetail::kSum); };
  };
  expect_error(ErrorKind::kPlugin, {"neither one of the 2 classes"}, call(at::full({3}, 2, at::kLong)));
  expect_error(ErrorKind::kPlugin, {"neither one of the 2 classes"}, call(at::full({3}, -1, at::kLong)));
  expect_error(ErrorKind::kPlugin, {"[3, 2]", "[4]"}, call(at::zeros({4}, at::kLong)));
}

TEST(CrossEntropyEdges, LargeLogitsStayFinite) {
  const at::Tensor logits = at::tensor({1e4, -1e4, -1e4, 1e4}, at::kDouble).view({2, 2});
  const Loss loss = cross_entropy(logits, at::tensor({0, 0}, at::kLong), LossDetail::kValues);
  EXPECT_EQ(loss.values[0].item<double>(), 0);
  EXPECT_EQ(loss.values[1].item<double>(), 2e4);
}

TEST(BinaryCrossEntropy, IsTorchsMeanWithDetailAndGradient) {
  at::manual_seed(8);
  const at::Tensor logits = random({5, 3});
  const at::Tensor targets = at::randint(2, {5, 3}, at::kLong).to(at::kDouble);
  for (const at::Tensor& weights : {at::Tensor(), at::rand({3}, at::kDouble) + 0.5}) {
    const std::optional<at::Tensor> optional = weights.defined() ? std::optional(weights) : std::nullopt;
    const at::Tensor torch =
        at::binary_cross_entropy_with_logits(logits, targets, std::nullopt, optional, at::Reduction::Mean);
    const Loss loss = binary_cross_entropy(logits, targets, LossDetail::kValues, weights);
    EXPECT_EQ(loss.count, 15);
    EXPECT_NEAR(mean(loss).item<double>(), torch.item<double>(), 1e-14);
    EXPECT_NEAR(binary_cross_entropy(logits, targets, LossDetail::kSum, weights).sum.item<double>(),
                loss.sum.item<double>(), 1e-12);
    const at::Tensor yes = weights.defined() ? weights : at::ones({3}, at::kDouble);
    expect_near(loss.values,
                -(yes * targets * logits.sigmoid().log() + (1 - targets) * (1 - logits.sigmoid()).log()).view({-1}),
                1e-10);
    EXPECT_TRUE(at::equal(loss.sequences, at::arange(5).repeat_interleave(3)));
    expect_gradient(
        [&](const at::Tensor& x) { return binary_cross_entropy(x, targets, LossDetail::kValues, weights).sum; },
        logits);
  }
  expect_error(ErrorKind::kPlugin, {"[5, 3]", "[5]"},
               [&] { binary_cross_entropy(logits, at::zeros({5}), LossDetail::kSum); });
}

// (1 - p)^gamma * -log(p) for each row's target, weighted.
at::Tensor focal_written_out(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights,
                             double gamma) {
  const at::Tensor p = logits.softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1);
  return weights.index_select(0, targets) * (1 - p).pow(gamma) * -p.log();
}

TEST(FocalLoss, IsTheFormulaWithDetailAndGradient) {
  at::manual_seed(10);
  const at::Tensor logits = random({9, 4});
  const at::Tensor targets = at::randint(4, {9}, at::kLong);
  for (const double gamma : {0.5, 1.0, 2.0, 5.0}) {
    for (const at::Tensor& weights : {at::Tensor(), at::rand({4}, at::kDouble) + 0.5}) {
      CrossEntropyOptions options;
      options.focal_gamma = gamma;
      options.weights = weights;
      const at::Tensor known = weights.defined() ? weights : at::ones({4}, at::kDouble);
      const Loss loss = cross_entropy(logits, targets, LossDetail::kValues, options);
      expect_near(loss.values, focal_written_out(logits, targets, known, gamma), 1e-12);
      EXPECT_NEAR(loss.count, known.index_select(0, targets).sum().item<double>(), 1e-12);
      EXPECT_NEAR(cross_entropy(logits, targets, LossDetail::kSum, options).sum.item<double>(), loss.sum.item<double>(),
                  1e-12);
      expect_gradient([&](const at::Tensor& x) { return cross_entropy(x, targets, LossDetail::kSum, options).sum; },
                      logits);
    }
  }
}

TEST(FocalLoss, IgnoresWhatIsToBeIgnored) {
  const at::Tensor logits = random({3, 2});
  CrossEntropyOptions options;
  options.focal_gamma = 2;
  options.weights = at::tensor({2.0, 3.0}, at::kDouble);
  const at::Tensor targets = at::tensor({1, -100, 0}, at::kLong);
  const Loss loss = cross_entropy(logits, targets, LossDetail::kValues, options);
  EXPECT_EQ(loss.values.numel(), 2);
  EXPECT_EQ(loss.count, 5);
  const at::Tensor kept = at::tensor({0, 2}, at::kLong);
  expect_near(loss.values,
              focal_written_out(logits.index_select(0, kept), targets.index_select(0, kept), options.weights, 2),
              1e-12);
  EXPECT_NEAR(cross_entropy(logits, targets, LossDetail::kSum, options).sum.item<double>(), loss.sum.item<double>(),
              1e-12);
}

TEST(FocalLoss, OfYesAndNoIsTheFormulaWithGradient) {
  at::manual_seed(11);
  const at::Tensor logits = random({5, 3});
  const at::Tensor targets = at::randint(2, {5, 3}, at::kLong).to(at::kDouble);
  for (const at::Tensor& weights : {at::Tensor(), at::rand({3}, at::kDouble) + 0.5}) {
    const at::Tensor yes = weights.defined() ? weights : at::ones({3}, at::kDouble);
    const at::Tensor p = logits.sigmoid();
    const at::Tensor expected = yes * targets * (1 - p).pow(2) * -p.log() + (1 - targets) * p.pow(2) * -(1 - p).log();
    const Loss loss = binary_cross_entropy(logits, targets, LossDetail::kValues, weights, 2);
    expect_near(loss.values, expected.view({-1}), 1e-12);
    EXPECT_EQ(loss.count, 15);
    EXPECT_NEAR(binary_cross_entropy(logits, targets, LossDetail::kSum, weights, 2).sum.item<double>(),
                loss.sum.item<double>(), 1e-12);
    expect_gradient(
        [&](const at::Tensor& x) { return binary_cross_entropy(x, targets, LossDetail::kSum, weights, 2).sum; },
        logits);
  }
}

TEST(FocalLoss, CertaintyHasFiniteGradients) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    for (const double gamma : {0.1, 1.0, 3.0}) {
      const at::Tensor logits =
          at::tensor({1e4, -1e4, -1e4, 1e4, 30.0, -30.0}, type).view({3, 2}).set_requires_grad(true);
      CrossEntropyOptions options;
      options.focal_gamma = gamma;
      const Loss single = cross_entropy(logits, at::tensor({0, 0, 0}, at::kLong), LossDetail::kSum, options);
      const Loss several =
          binary_cross_entropy(logits, at::tensor({1, 0, 1, 0, 1, 0}, type).view({3, 2}), LossDetail::kSum, {}, gamma);
      (single.sum + several.sum).backward();
      EXPECT_TRUE(at::isfinite(logits.grad()).all().item<bool>()) << gamma;
      EXPECT_NEAR(single.sum.item<double>(), 2e4, 1);
    }
  }
}

TEST(FocalLoss, NotWithSmoothing) {
  CrossEntropyOptions options;
  options.focal_gamma = 2;
  options.smoothing = 0.1;
  expect_error(ErrorKind::kPlugin, {"focal_gamma and smoothing"}, [&] {
    cross_entropy(random({3, 2}), at::zeros({3}, at::kLong), LossDetail::kSum, options);
  });
}

TEST(SquaredError, IsTorchsMeanWithDetailAndGradient) {
  at::manual_seed(9);
  const at::Tensor predictions = random({6, 1});
  const at::Tensor targets = random({6});
  const Loss loss = squared_error(predictions, targets, LossDetail::kValues);
  EXPECT_EQ(loss.count, 6);
  EXPECT_NEAR(mean(loss).item<double>(), at::mse_loss(predictions.view({-1}), targets).item<double>(), 1e-14);
  EXPECT_NEAR(squared_error(predictions, targets, LossDetail::kSum).sum.item<double>(), loss.sum.item<double>(), 1e-12);
  expect_near(loss.values, (predictions.view({-1}) - targets).pow(2), 0);
  EXPECT_TRUE(at::equal(loss.sequences, at::arange(6)));
  expect_gradient([&](const at::Tensor& x) { return squared_error(x, targets, LossDetail::kSum).sum; }, predictions);
  expect_error(ErrorKind::kPlugin, {"[6, 2]"}, [&] { squared_error(random({6, 2}), targets, LossDetail::kSum); });
}

}  // namespace
}  // namespace berth::kit

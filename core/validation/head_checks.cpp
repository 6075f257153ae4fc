#include <ATen/ops/index_select.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/plugin/head_tensors.h"
#include "core/training/random.h"
#include "core/validation/checks.h"

namespace berth::validation {
namespace {

constexpr double kTolerance = 1e-4;  // of float32's sums

double value_of(const at::Tensor& tensor) { return tensor.item<double>(); }

void check_sum(const Loss& loss) {
  if (!loss.sum.defined() || loss.sum.numel() != 1) fail("the loss has no sum of one element");
  if (!std::isfinite(value_of(loss.sum))) fail(fmt::format("the loss is {}", value_of(loss.sum)));
  if (!(loss.count > 0)) fail(fmt::format("the count of labelled examples is {}, expected more than 0", loss.count));
}

void check_values(const Loss& loss, const Batch& batch) {
  if (!loss.values.defined() || !loss.sequences.defined()) {
    fail("LossDetail::kValues asks for `values` and `sequences`, and one of them is undefined");
  }
  if (loss.values.dim() != 1 || loss.sequences.sizes() != loss.values.sizes()) {
    fail("`values` and `sequences` have to be of one dimension and equally long");
  }
  const double sum = value_of(loss.values.sum());
  if (std::abs(sum - value_of(loss.sum)) > kTolerance * (1 + std::abs(sum))) {
    fail(fmt::format("the loss's values sum to {}, and its sum is {}", sum, value_of(loss.sum)));
  }
  if (loss.values.numel() == 0) fail("the loss has no values, although the examples have labels");
  if (value_of(loss.sequences.min()) < 0 || value_of(loss.sequences.max()) >= static_cast<double>(batch.size())) {
    fail(fmt::format("`sequences` has to be from 0 to {}", batch.size() - 1));
  }
}

// "" of a head that has none.
std::string check_probabilities(Head& head, const Outputs& outputs, const Batch& batch, const Loss& loss) {
  const at::Tensor log_p = head.log_probabilities(outputs, batch);
  const at::Tensor targets = head.targets(batch);
  if (!log_p.defined() && !targets.defined()) return "";
  if (!log_p.defined() || !targets.defined()) fail("log_probabilities() and targets() have to be both there, or none");
  if (log_p.dim() != 2 || log_p.size(0) != loss.values.size(0) || targets.sizes() != loss.values.sizes()) {
    fail("log_probabilities() has to have a row, and targets() a number, for each of the loss's values");
  }
  const double off = value_of((log_p.exp().sum(1) - 1).abs().max());
  if (!(off < 1e-4)) fail(fmt::format("the probabilities of a row sum to 1 {:+}", off));
  if (value_of(targets.min()) < 0 || value_of(targets.max()) >= static_cast<double>(log_p.size(1))) {
    fail(fmt::format("targets() has to be a column of log_probabilities(), 0 to {}", log_p.size(1) - 1));
  }
  return fmt::format(", {} classes", log_p.size(1));
}

// The loss as a function of the head's parameters and of what it reads, without the encoder, in double precision.
class LossFunction {
 public:
  explicit LossFunction(Bench& bench, std::uint64_t seed) : bench_(bench), batch_(bench.batch()), seed_(seed) {
    const at::NoGradGuard no_grad;
    output_ = encode(bench, *batch_);
    for (auto& [name, tensor] : plugin::head_parameters(*bench.task().head)) {
      if (tensor.requires_grad()) variables_.push_back({name, tensor});
    }
    if (output_.hidden.defined()) {
      add_input("hidden()", output_.hidden);
    } else {
      add_input("first()", output_.first);
      if (output_.pooled.defined()) add_input("pooled()", output_.pooled);
    }
  }

  // In training: the head's dropout is drawn, the same each time.
  at::Tensor operator()() {
    auto& head = *bench_.task().head;
    auto output = output_;
    if (output.hidden.defined()) {
      output.first = at::index_select(output.hidden, 0, batch_->offsets().narrow(0, 0, batch_->size()));
    }
    const data::EncodedBatch encoded(*batch_, output);
    training::seed_libtorch(seed_);
    head.train();
    return head.loss(head.forward(encoded), *batch_, LossDetail::kSum).sum;
  }

  const NamedTensors& variables() const { return variables_; }

 private:
  void add_input(const char* name, at::Tensor& tensor) {
    tensor = tensor.detach().clone().requires_grad_();
    variables_.push_back({name, tensor});
  }

  Bench& bench_;
  std::unique_ptr<Batch> batch_;
  std::uint64_t seed_;
  model::EncoderOutput output_;
  NamedTensors variables_;
};

// By central differences. The tensor is contiguous.
double difference_at(LossFunction& loss, const at::Tensor& tensor, std::int64_t place, double step) {
  const at::NoGradGuard no_grad;
  double* value = tensor.mutable_data_ptr<double>() + place;
  const double kept = *value;
  *value = kept + step;
  const double above = value_of(loss());
  *value = kept - step;
  const double below = value_of(loss());
  *value = kept;
  return (above - below) / (2 * step);
}

// A step across a kink (of a ReLU, of a maximum) shows another slope; a smaller one rarely crosses it, too.
bool agrees(LossFunction& loss, const at::Tensor& tensor, std::int64_t place, double gradient, double& differences) {
  for (const double step : {1e-5, 1e-6, 1e-7}) {
    differences = difference_at(loss, tensor, place, step);
    if (std::abs(differences - gradient) <= 1e-4 * (std::abs(differences) + std::abs(gradient)) + 1e-6) return true;
  }
  return false;
}

// Adam (Kingma & Ba 2015) with one rate for all: enough to learn one batch.
class Learning {
 public:
  Learning(std::vector<at::Tensor> parameters, double rate) : parameters_(std::move(parameters)), rate_(rate) {
    for (const auto& parameter : parameters_) {
      mean_.push_back(at::zeros_like(parameter));
      square_.push_back(at::zeros_like(parameter));
    }
  }

  void step() {
    const at::NoGradGuard no_grad;
    ++steps_;
    const double mean_part = 1 - std::pow(0.9, steps_);
    const double square_part = 1 - std::pow(0.999, steps_);
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const at::Tensor gradient = parameters_[i].grad();
      if (!gradient.defined()) continue;
      mean_[i].mul_(0.9).add_(gradient, 0.1);
      square_[i].mul_(0.999).addcmul_(gradient, gradient, 0.001);
      parameters_[i].addcdiv_(mean_[i], (square_[i] / square_part).sqrt_().add_(1e-8), -rate_ / mean_part);
      parameters_[i].mutable_grad().reset();
    }
  }

 private:
  std::vector<at::Tensor> parameters_, mean_, square_;
  double rate_;
  double steps_ = 0;
};

// The word embeddings stay: their gradient is sparse, and one batch needs none of it.
std::vector<at::Tensor> layers_of(const model::Encoder& encoder) {
  std::vector<at::Tensor> parameters;
  for (const auto& [name, tensor] : encoder.parameters()) {
    const bool learns = name.rfind("embeddings.", 0) != 0;
    tensor.requires_grad_(learns);
    if (learns) parameters.push_back(tensor);
  }
  return parameters;
}

double learn(Bench& bench, const Batch& batch) {
  auto& head = *bench.task().head;
  const data::EncodedBatch encoded(batch, encode(bench, batch));
  const Loss loss = head.loss(head.forward(encoded), batch, LossDetail::kSum);
  check_sum(loss);
  loss.sum.div(loss.count).backward();
  return value_of(loss.sum) / loss.count;
}

}  // namespace

std::string check_loss(const Subject& subject) {
  auto bench = make_bench(subject);
  const at::NoGradGuard no_grad;
  auto& head = *bench.task().head;
  const auto batch = bench.batch();
  const data::EncodedBatch encoded(*batch, encode(bench, *batch));
  head.eval();
  return plugin::guarded(bench.task().task.site("forward and loss"), [&] {
    const auto outputs = head.forward(encoded);
    const Loss loss = head.loss(outputs, *batch, LossDetail::kValues);
    check_sum(loss);
    check_values(loss, *batch);
    const Loss sum = head.loss(outputs, *batch, LossDetail::kSum);
    if (sum.count != loss.count) fail("the count is another with LossDetail::kSum than with kValues");
    if (std::abs(value_of(sum.sum) - value_of(loss.sum)) > kTolerance * (1 + std::abs(value_of(loss.sum)))) {
      fail(fmt::format("the sum is {} with LossDetail::kSum and {} with kValues", value_of(sum.sum),
                       value_of(loss.sum)));
    }
    return fmt::format("{:.4f} over {} labels{}", value_of(loss.sum) / loss.count, loss.count,
                       check_probabilities(head, outputs, *batch, loss));
  });
}

std::string check_gradient(const Subject& subject) {
  constexpr std::int64_t kFewExamples = 4;  // each number costs two passes over them
  constexpr std::size_t kNumbers = 128;
  auto bench = make_bench(subject, suite::Precision::kFloat64, kFewExamples);
  return plugin::guarded(bench.task().task.site("forward and loss"), [&] {
    training::Random random(training::stream_seed(subject.seed, "gradient"));
    LossFunction loss(bench, random.next());
    std::vector<at::Tensor> tensors;
    for (const auto& variable : loss.variables()) tensors.push_back(variable.tensor);
    const auto gradients = torch::autograd::grad({loss()}, tensors, {}, {}, false, /*allow_unused=*/true);
    const auto places = std::clamp<std::size_t>(kNumbers / tensors.size(), 2, 8);  // of each tensor
    std::int64_t compared = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].is_contiguous() || tensors[i].numel() == 0) continue;
      const at::Tensor gradient = gradients[i].defined() ? gradients[i].contiguous() : at::zeros_like(tensors[i]);
      for (std::size_t n = 0; n < places; ++n, ++compared) {
        const auto place = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(tensors[i].numel())));
        const double found = gradient.const_data_ptr<double>()[place];
        double differences = 0;
        if (agrees(loss, tensors[i], place, found, differences)) continue;
        fail(fmt::format("by number {} of '{}' it is {:.6g}, by differences {:.6g}", place, loss.variables()[i].name,
                         found, differences));
      }
    }
    return fmt::format("{} of its numbers, in {} tensors", compared, tensors.size());
  });
}

std::string check_learning(const Subject& subject) {
  constexpr int kSteps = 300;
  constexpr double kRate = 1e-4;
  constexpr double kHeadRate = 1e-3;
  constexpr double kShare = 0.8;  // of the loss before that has to go
  auto bench = make_bench(subject);
  return plugin::guarded(bench.task().task.site("forward and loss"), [&] {
    const auto batch = bench.batch();
    auto& head = *bench.task().head;
    Learning encoder(layers_of(bench.session.encoder), kRate);
    Learning own(head.parameters(), kHeadRate);
    head.train();
    double before = 0;
    double now = 0;
    for (int step = 0; step < kSteps; ++step) {
      training::seed_libtorch(training::stream_seed(subject.seed, "learning", {static_cast<std::uint64_t>(step)}));
      now = learn(bench, *batch);
      if (step == 0) before = now;
      if (step > 0 && now <= before - kShare * std::abs(before)) {
        return fmt::format("loss {:.3f}, after {} steps {:.3f}", before, step, now);
      }
      encoder.step();
      own.step();
    }
    fail(
        fmt::format("the loss of {} examples was {:.3f} and is {:.3f} after {} steps; expected {:.3f} or less. (A loss "
                    "that can't come near to 0, with smoothed targets, say, can't pass: then this check says nothing.)",
                    bench.data.example_count, before, now, kSteps, before - kShare * std::abs(before)));
  });
}

}  // namespace berth::validation

// One training step and one inference pass, timed: what transformers' own step takes is measured by a script of the
// same shape. Prints JSON.
//   time_step MODEL_FOLDER SEQUENCES LENGTH STEPS [first|all]
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <exception>
#include <string>
#include <vector>

#include "core/checkpoint/model_folder.h"

namespace {

using namespace berth;

class Step {
 public:
  Step(const std::string& folder, std::int64_t sequences, std::int64_t length, HeadInput head_input)
      : loaded_(checkpoint::load_encoder(folder, {})), head_input_(head_input) {
    const auto longs = at::TensorOptions().dtype(at::kLong);
    input_.ids = at::randint(1000, 20000, {sequences * length}, longs);
    input_.segments = at::zeros({sequences * length}, longs);
    input_.positions = at::arange(length, longs).repeat({sequences});
    input_.offsets = at::arange(sequences + 1, longs) * length;
    labels_ = at::randint(0, 2, {sequences}, longs);
    for (const auto& parameter : loaded_.encoder.parameters()) parameters_.push_back(parameter.tensor);
    head_weight_ = at::randn({2, loaded_.encoder.config().hidden_size}) * 0.02;
    parameters_.push_back(head_weight_);
    for (const auto& parameter : parameters_) {
      parameter.requires_grad_(true);
      averages_.push_back(at::zeros_like(parameter));
      squares_.push_back(at::zeros_like(parameter));
      steps_.push_back(at::zeros({}));
    }
  }

  void train() {
    model::EncoderRun run{head_input_, true, {1, draw_++}};
    const auto output = loaded_.encoder.forward(input_, run);
    const auto& read = output.pooled.defined() ? output.pooled : output.first;
    at::cross_entropy_loss(at::linear(read, head_weight_), labels_).backward();
    update();
  }

  void infer() const {
    const at::NoGradGuard no_grad;
    loaded_.encoder.forward(input_, {head_input_, false, {}});
  }

 private:
  void update() {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> chosen[4];
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> norms;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      if (!parameters_[i].grad().defined()) continue;
      gradients.push_back(parameters_[i].grad());
      norms.push_back(at::linalg_vector_norm(gradients.back()));
      chosen[0].push_back(parameters_[i]);
      chosen[1].push_back(averages_[i]);
      chosen[2].push_back(squares_[i]);
      chosen[3].push_back(steps_[i].add_(1));
    }
    const double norm = at::linalg_vector_norm(at::stack(norms)).item<double>();
    if (norm > 1) {
      for (auto& gradient : gradients) gradient.mul_(1 / norm);
    }
    at::_fused_adamw_(chosen[0], gradients, chosen[1], chosen[2], {}, chosen[3], 2e-5, 0.9, 0.999, 0.01, 1e-8, false,
                      false);
    for (const auto& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
  }

  checkpoint::LoadedEncoder loaded_;
  HeadInput head_input_;
  model::EncoderInput input_;
  at::Tensor labels_, head_weight_;
  std::vector<at::Tensor> parameters_, averages_, squares_, steps_;
  std::uint64_t draw_ = 0;
};

struct Best {
  double wall_ms = 1e30;
  double cpu_ms = 1e30;  // of all threads; comparable on a busy machine
};

template <typename F>
Best best(const F& f, int runs) {
  f();
  f();
  Best result;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    f();
    const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - start;
    result.wall_ms = std::min(result.wall_ms, wall.count());
    result.cpu_ms = std::min(result.cpu_ms, static_cast<double>(std::clock() - cpu) * 1e3 / CLOCKS_PER_SEC);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    fmt::print(stderr, "usage: time_step MODEL_FOLDER SEQUENCES LENGTH STEPS [first|all]\n");
    return 2;
  }
  try {
    const bool all = argc == 6 && std::string(argv[5]) == "all";
    Step step(argv[1], std::stoll(argv[2]), std::stoll(argv[3]), all ? HeadInput::kAllTokens : HeadInput::kPooled);
    const int runs = std::stoi(argv[4]);
    const Best train = best([&] { step.train(); }, runs);
    const Best infer = best([&] { step.infer(); }, runs);
    fmt::print("{{\"train_ms\": {:.1f}, \"train_cpu_ms\": {:.1f}, \"infer_ms\": {:.1f}, \"infer_cpu_ms\": {:.1f}}}\n",
               train.wall_ms, train.cpu_ms, infer.wall_ms, infer.cpu_ms);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}

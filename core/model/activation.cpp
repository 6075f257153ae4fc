#include "core/model/activation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/mish.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/relu6.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/square.h>
#include <ATen/ops/tanh.h>
#include <c10/util/Exception.h>

#include <array>
#include <cmath>
#include <utility>

namespace berth::model {
namespace {

// transformers has prelu and xielu besides: these bring parameters of their own, and no BERT uses them.
constexpr std::array<std::pair<std::string_view, Activation>, 22> kNames{{
    {"gelu", Activation::kGelu},
    {"gelu_python", Activation::kGelu},
    {"gelu_new", Activation::kGeluTanh},
    {"gelu_fast", Activation::kGeluTanh},
    {"gelu_accurate", Activation::kGeluTanh},
    {"gelu_pytorch_tanh", Activation::kGeluTanh},
    {"gelu_python_tanh", Activation::kGeluTanh},
    {"gelu_10", Activation::kGelu10},
    {"quick_gelu", Activation::kQuickGelu},
    {"relu", Activation::kRelu},
    {"relu2", Activation::kRelu2},
    {"relu6", Activation::kRelu6},
    {"leaky_relu", Activation::kLeakyRelu},
    {"silu", Activation::kSilu},
    {"swish", Activation::kSilu},
    {"hardswish", Activation::kHardSwish},
    {"mish", Activation::kMish},
    {"tanh", Activation::kTanh},
    {"sigmoid", Activation::kSigmoid},
    {"laplace", Activation::kLaplace},
    {"sqrtsoftplus", Activation::kSqrtSoftplus},
    {"linear", Activation::kLinear},
}};

// MEGA's (Ma et al. 2022): the normal distribution function that comes closest to relu2.
at::Tensor laplace(const at::Tensor& input) {
  const at::Tensor centred = (input - 0.707107) / (0.282095 * std::sqrt(2.0));
  return (at::erf(centred) + 1.0) * 0.5;
}

}  // namespace

std::optional<Activation> activation_named(std::string_view name) {
  for (const auto& [known, activation] : kNames) {
    if (known == name) return activation;
  }
  return std::nullopt;
}

std::string activation_name(Activation activation) {
  for (const auto& [name, known] : kNames) {
    if (known == activation) return std::string(name);
  }
  TORCH_CHECK(false, "no such activation");
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& entry : kNames) names.emplace_back(entry.first);
  return names;
}

at::Tensor activate(Activation activation, const at::Tensor& input) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(input);
    case Activation::kGeluTanh:
      return at::gelu(input, "tanh");
    case Activation::kGelu10:
      return at::clamp(at::gelu(input), -10, 10);
    case Activation::kQuickGelu:
      return input * at::sigmoid(input * 1.702);
    case Activation::kRelu:
      return at::relu(input);
    case Activation::kRelu2:
      return at::square(at::relu(input));
    case Activation::kRelu6:
      return at::relu6(input);
    case Activation::kLeakyRelu:
      return at::leaky_relu(input);
    case Activation::kSilu:
      return at::silu(input);
    case Activation::kHardSwish:
      return at::hardswish(input);
    case Activation::kMish:
      return at::mish(input);
    case Activation::kTanh:
      return at::tanh(input);
    case Activation::kSigmoid:
      return at::sigmoid(input);
    case Activation::kLaplace:
      return laplace(input);
    case Activation::kSqrtSoftplus:
      return at::sqrt(at::softplus(input));
    case Activation::kLinear:
      return input;
  }
  TORCH_CHECK(false, "no such activation");
}

}  // namespace berth::model

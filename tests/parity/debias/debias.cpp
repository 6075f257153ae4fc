// Reads cases as JSON lines from standard input and writes a line for each: losses with their gradients, or what the
// biased model says. compare.py holds them against torch and scikit-learn.
#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/debias/gate.h"
#include "core/debias/group_dro.h"
#include "core/debias/losses.h"
#include "core/statistics/softmax_regression.h"

namespace berth::debias {
namespace {

using Json = nlohmann::json;

at::Tensor matrix(const Json& json) {
  std::vector<double> values;
  for (const auto& row : json) {
    for (const auto& value : row) values.push_back(value.get<double>());
  }
  return at::tensor(values, at::kDouble).view({static_cast<std::int64_t>(json.size()), -1});
}

at::Tensor classes(const Json& json) { return at::tensor(json.get<std::vector<std::int64_t>>(), at::kLong); }

std::vector<double> numbers(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(at::kDouble).contiguous().view({-1});
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

// Of the loss' mean, in the logits and, of the mixin, in the gate.
Json loss_of(const Json& one) {
  const at::Tensor logits = matrix(one.at("logits")).requires_grad_();
  const at::Tensor log_b = at::log_softmax(matrix(one.at("bias")), 1);
  const at::Tensor targets = classes(one.at("targets"));
  const at::Tensor log_p = at::log_softmax(logits, 1);
  const at::Tensor plain = log_p.gather(1, targets.unsqueeze(1)).squeeze(1).neg();
  Gate gate(3, 0.02, 1, at::kDouble);
  Json result;
  at::Tensor values;
  const auto method = one.at("method").get<std::string>();
  if (method == "product_of_experts") {
    values = product_of_experts(log_p, log_b, targets);
  } else if (method == "learned_mixin") {
    gate.weight = matrix(one.at("gate_weight")).requires_grad_();
    gate.bias = classes(one.at("gate_bias")).to(at::kDouble).requires_grad_();
    values = learned_mixin({log_p, log_b, targets, gate(matrix(one.at("hidden"))), one.at("entropy").get<double>()});
  } else if (method == "reweighting") {
    values = plain * bias_weights(log_b, targets);
  } else if (method == "confidence_regularization") {
    const at::Tensor teacher = at::log_softmax(matrix(one.at("teacher")), 1);
    values = soft_cross_entropy(log_p, confidence_targets(teacher, log_b, targets));
  } else {
    GroupDro dro(one.at("sizes").get<std::vector<std::int64_t>>(), one.at("step_size").get<double>(),
                 one.at("adjustment").get<double>());
    const at::Tensor groups = classes(one.at("groups"));
    for (int i = 0; i < one.at("moves").get<int>(); ++i) dro.move(plain, groups);
    values = plain * dro.factors(plain, groups);
    result["weights"] = dro.weights();
  }
  values.mean().backward();
  result["loss"] = values.mean().item<double>();
  result["gradient"] = numbers(logits.grad());
  if (gate.weight.grad().defined()) result["gate_gradient"] = numbers(gate.weight.grad());
  if (gate.bias.grad().defined()) result["gate_bias_gradient"] = numbers(gate.bias.grad());
  return result;
}

Json regression_of(const Json& one) {
  at::Tensor design = matrix(one.at("design"));
  if (one.at("sparse").get<bool>()) design = design.to_sparse();
  const auto model =
      statistics::fit_softmax_regression(design, classes(one.at("targets")), {one.at("classes").get<std::int64_t>()});
  return {{"log_probabilities", numbers(model.log_probabilities(design))}};
}

}  // namespace
}  // namespace berth::debias

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto one = nlohmann::json::parse(line);
    const bool is_regression = one.at("method") == "regression";
    std::cout << (is_regression ? berth::debias::regression_of(one) : berth::debias::loss_of(one)).dump() << "\n";
  }
  return 0;
}

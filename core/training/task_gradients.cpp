#include "core/training/task_gradients.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/dot.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace berth::training {
namespace {

// Of tensors of one shape, either of which may be sparse.
double inner_product(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_sparse() && !b.is_sparse()) return a.reshape(-1).dot(b.reshape(-1)).item<double>();
  const at::Tensor products = a.is_sparse() ? a.mul(b) : b.mul(a);
  return products.coalesce().values().sum().item<double>();
}

}  // namespace

TaskGradients::TaskGradients(const ParameterPlan& plan) {
  for (const auto& parameter : plan.parameters) {
    if (parameter.status != Status::kTrained) continue;
    (parameter.is_head() ? own_ : shared_).push_back(parameter.tensor);
  }
}

void TaskGradients::take(double scale) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (auto* parameters : {&shared_, &own_}) {
    for (auto& parameter : *parameters) {
      auto& gradient = parameter.mutable_grad();
      if (gradient.defined() && gradient.is_sparse()) gradient = gradient.coalesce();
      if (gradient.defined() && scale != 1.0) gradient.mul_(scale);
      gradients.push_back(std::move(gradient));
      parameter.mutable_grad().reset();
    }
  }
  tasks_.push_back(std::move(gradients));
}

Matrix TaskGradients::products() const {
  const at::NoGradGuard no_grad;
  Matrix products(size(), std::vector<double>(size(), 0));
  for (std::size_t i = 0; i < size(); ++i) {
    for (std::size_t j = i; j < size(); ++j) {
      for (std::size_t p = 0; p < shared_.size(); ++p) {
        const auto& a = tasks_[i][p];
        const auto& b = tasks_[j][p];
        if (a.defined() && b.defined()) products[i][j] += inner_product(a, b);
      }
      products[j][i] = products[i][j];
    }
  }
  return products;
}

void TaskGradients::put_back(const std::vector<double>& weights) {
  const at::NoGradGuard no_grad;
  const auto count = shared_.size() + own_.size();
  for (std::size_t p = 0; p < count; ++p) {
    at::Tensor sum;
    for (std::size_t k = 0; k < size(); ++k) {
      auto& gradient = tasks_[k][p];
      // A head's gradient is its task's alone: surgery must not change it.
      const double weight = p < shared_.size() ? weights[k] : 1.0;
      if (!gradient.defined()) continue;
      if (!sum.defined()) {
        sum = weight == 1.0 ? gradient : gradient.mul_(weight);
      } else if (sum.is_sparse() && !gradient.is_sparse()) {
        sum = gradient.mul_(weight).add_(sum);
      } else {
        sum.add_(gradient, weight);
      }
    }
    (p < shared_.size() ? shared_[p] : own_[p - shared_.size()]).mutable_grad() = sum;
  }
  clear();
}

Matrix cosines(const Matrix& products) {
  Matrix result = products;
  for (std::size_t i = 0; i < products.size(); ++i) {
    for (std::size_t j = 0; j < products.size(); ++j) {
      const double lengths = std::sqrt(products[i][i]) * std::sqrt(products[j][j]);
      result[i][j] = lengths > 0 ? products[i][j] / lengths : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return result;
}

std::vector<double> surgery_weights(const Matrix& products, Random& random) {
  const auto count = products.size();
  std::vector<double> weights(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<double> parts(count, 0);  // of the original gradients in the projected one
    parts[i] = 1;
    std::vector<std::size_t> others(count);
    std::iota(others.begin(), others.end(), std::size_t{0});
    std::erase(others, i);
    random.shuffle(others);
    for (const auto j : others) {
      double along = 0;
      for (std::size_t k = 0; k < count; ++k) along += parts[k] * products[k][j];
      if (along < 0 && products[j][j] > 0) parts[j] -= along / products[j][j];
    }
    for (std::size_t k = 0; k < count; ++k) weights[k] += parts[k];
  }
  return weights;
}

}  // namespace berth::training

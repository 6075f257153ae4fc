#include "core/diagnosis/logistic_regression.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <torch/optim/lbfgs.h>

#include <algorithm>
#include <cmath>

namespace berth::diagnosis {
namespace {

// out[c]: the score of each class, then its probability. weights: [columns + 1][classes].
void predict(const SparseRows& rows, std::size_t row, const double* weights, std::vector<double>& out,
             std::size_t intercepts) {
  const auto classes = out.size();
  std::copy_n(weights + intercepts * classes, classes, out.begin());
  for (auto i = rows.begin[row]; i < rows.begin[row + 1]; ++i) {
    const double* column = weights + static_cast<std::size_t>(rows.columns[i]) * classes;
    for (std::size_t c = 0; c < classes; ++c) out[c] += rows.values[i] * column[c];
  }
}

// Returns the logarithm of what they were divided by.
double to_probabilities(std::vector<double>& scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
  return largest + std::log(sum);
}

// Mean negative log-likelihood, plus half the squared weights (not the intercepts) over the number of rows; its
// gradient is added to. Two classes share what scikit-learn's single row of weights pays: hence twice as much.
double objective(const LogisticProblem& problem, const double* weights, double* gradient) {
  const auto classes = problem.classes;
  const auto count = static_cast<double>(problem.rows.size());
  const double decay = (classes == 2 ? 2 : 1) / count;
  double loss = 0;
  for (std::size_t i = 0; i < problem.columns * classes; ++i) {
    loss += decay * weights[i] * weights[i] / 2;
    gradient[i] = decay * weights[i];
  }
  std::fill_n(gradient + problem.columns * classes, classes, 0.0);
  std::vector<double> scores(classes);
  for (std::size_t row = 0; row < problem.rows.size(); ++row) {
    predict(problem.rows, row, weights, scores, problem.columns);
    const auto label = problem.labels[row];
    const double own = scores[label];
    loss += (to_probabilities(scores) - own) / count;
    scores[label] -= 1;
    for (double& score : scores) score /= count;
    for (std::size_t c = 0; c < classes; ++c) gradient[problem.columns * classes + c] += scores[c];
    for (auto i = problem.rows.begin[row]; i < problem.rows.begin[row + 1]; ++i) {
      double* column = gradient + static_cast<std::size_t>(problem.rows.columns[i]) * classes;
      for (std::size_t c = 0; c < classes; ++c) column[c] += problem.rows.values[i] * scores[c];
    }
  }
  return loss;
}

}  // namespace

LogisticRegression::LogisticRegression(const LogisticProblem& problem) : classes_(problem.classes) {
  const auto size = static_cast<std::int64_t>((problem.columns + 1) * classes_);
  at::Tensor weights = at::zeros({size}, at::kDouble);
  weights.set_requires_grad(true);
  weights.mutable_grad() = at::zeros({size}, at::kDouble);
  torch::optim::LBFGSOptions options;
  options.max_iter(200).max_eval(400).history_size(10).line_search_fn("strong_wolfe");
  options.tolerance_grad(problem.tolerance).tolerance_change(1e-14);
  torch::optim::LBFGS optimizer(std::vector<at::Tensor>{weights}, options);
  optimizer.step([&] {
    const at::NoGradGuard no_grad;
    const double loss =
        objective(problem, weights.const_data_ptr<double>(), weights.mutable_grad().mutable_data_ptr<double>());
    return at::full({}, loss, at::kDouble);
  });
  const auto* data = weights.const_data_ptr<double>();
  weights_.assign(data, data + size);
}

std::vector<double> LogisticRegression::probabilities(const SparseRows& rows, std::size_t row) const {
  std::vector<double> result(classes_);
  predict(rows, row, weights_.data(), result, weights_.size() / classes_ - 1);
  to_probabilities(result);
  return result;
}

}  // namespace berth::diagnosis

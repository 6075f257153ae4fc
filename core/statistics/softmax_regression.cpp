#include "core/statistics/softmax_regression.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/zeros.h>
#include <torch/optim/lbfgs.h>

namespace berth::statistics {

at::Tensor SoftmaxRegression::log_probabilities(const at::Tensor& design) const {
  return at::log_softmax(design.mm(weights) + intercepts, 1);
}

SoftmaxRegression fit_softmax_regression(const at::Tensor& design, const at::Tensor& targets,
                                         const RegressionOptions& options) {
  const auto rows = static_cast<double>(design.size(0));
  const at::Tensor truth = at::one_hot(targets, options.classes).to(at::kDouble);
  const at::Tensor transposed = design.is_sparse() ? design.t().coalesce() : design.t();
  SoftmaxRegression model{at::zeros({design.size(1), options.classes}, at::kDouble),
                          at::zeros({options.classes}, at::kDouble)};
  // L-BFGS adds pieces of a flat step to these; the gradients are written down, as sparse products have none for all
  // layouts.
  torch::optim::LBFGS optimizer(std::vector<at::Tensor>{model.weights, model.intercepts},
                                torch::optim::LBFGSOptions(1)
                                    .max_iter(1000)
                                    .tolerance_grad(options.tolerance)
                                    .tolerance_change(1e-16)
                                    .history_size(20)
                                    .line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    const at::Tensor log_p = model.log_probabilities(design);
    const at::Tensor errors = log_p.exp() - truth;
    model.weights.mutable_grad() = (transposed.mm(errors) + options.penalty * model.weights) / rows;
    model.intercepts.mutable_grad() = errors.sum(0) / rows;
    return ((truth * log_p).sum().neg() + options.penalty * model.weights.square().sum() / 2) / rows;
  });
  return model;
}

}  // namespace berth::statistics

#include "core/debias/biased_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/statistics/softmax_regression.h"
#include "core/training/random.h"

namespace berth::debias {
namespace {

// Row i of `shuffled` order belongs to fold i mod folds.
std::vector<std::vector<std::int64_t>> folds_of(std::int64_t rows, const CrossFit& options) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  training::Random(training::mix({options.seed, training::hash_name("folds")})).shuffle(order);
  std::vector<std::vector<std::int64_t>> folds(static_cast<std::size_t>(std::min(options.folds, rows)));
  for (std::size_t i = 0; i < order.size(); ++i) folds[i % folds.size()].push_back(order[i]);
  return folds;
}

}  // namespace

at::Tensor out_of_fold_log_probabilities(const at::Tensor& design, const at::Tensor& targets, const CrossFit& options) {
  const at::NoGradGuard no_grad;
  const auto folds = folds_of(design.size(0), options);
  at::Tensor result = at::empty({design.size(0), options.classes}, at::kDouble);
  for (const auto& fold : folds) {
    std::vector<std::int64_t> others;
    for (const auto& other : folds) {
      if (&other != &fold) others.insert(others.end(), other.begin(), other.end());
    }
    const at::Tensor learned = at::tensor(others, at::kLong);
    const at::Tensor asked = at::tensor(fold, at::kLong);
    const auto model = statistics::fit_softmax_regression(design.index_select(0, learned),
                                                          targets.index_select(0, learned), {options.classes});
    result.index_copy_(0, asked, model.log_probabilities(design.index_select(0, asked)));
  }
  return result;
}

}  // namespace berth::debias

#include "core/analysis/similarity.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/triu_indices.h>

#include <limits>

namespace berth::analysis {
namespace {

at::Tensor centred(const at::Tensor& rows) {
  const at::Tensor wide = rows.to(at::kDouble);
  return wide - wide.mean(0, true);
}

double length(const at::Tensor& values) { return at::linalg_vector_norm(values).item<double>(); }

double quotient(double part, double whole) {
  return whole > 0 ? part / whole : std::numeric_limits<double>::quiet_NaN();
}

// [n (n - 1) / 2]: of each pair of rows.
at::Tensor cosines(const at::Tensor& rows) {
  const at::Tensor wide = rows.to(at::kDouble);
  const at::Tensor unit = wide / at::linalg_vector_norm(wide, 2, at::IntArrayRef{1}, true).clamp_min(1e-12);
  const at::Tensor all = at::matmul(unit, unit.t());
  const at::Tensor pairs = at::triu_indices(all.size(0), all.size(1), 1, all.options().dtype(at::kLong));
  return all.index({pairs[0], pairs[1]});
}

}  // namespace

double linear_cka(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = centred(a);
  const at::Tensor y = centred(b);
  const double cross = length(at::matmul(y.t(), x));
  return quotient(cross * cross, length(at::matmul(x.t(), x)) * length(at::matmul(y.t(), y)));
}

double rsa(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = centred(cosines(a));
  const at::Tensor y = centred(cosines(b));
  return quotient((x * y).sum().item<double>(), length(x) * length(y));
}

}  // namespace berth::analysis

#include "core/model/residual_norm.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/record_function.h>

#include "core/model/chunks.h"
#include "core/model/layer_kernels.h"
#include "core/model/row_mask.h"

namespace berth::model {
namespace {

template <typename T>
const T* read(const at::Tensor& tensor, std::int64_t first) {
  return tensor.const_data_ptr<T>() + first;
}
template <typename T>
T* write(const at::Tensor& tensor, std::int64_t first) {
  return tensor.data_ptr<T>() + first;
}

}  // namespace

ResidualNorm residual_norm(const at::Tensor& input, const at::Tensor& bias, const at::Tensor& residual,
                           const NormWeights& weights, const DropoutRun& dropout, Keep keep) {
  RECORD_USER_SCOPE("berth: dropout, residual, norm, forward");
  const std::int64_t width = input.size(1);
  ResidualNorm result{input, {}, at::empty({input.size(0)}, input.options())};
  if (keep == Keep::kForBackward) result.normal = at::empty_like(input);
  for_type(input, [&](auto tag) {
    using T = decltype(tag);
    for_row_chunks(input.size(0), [&](std::int64_t, std::int64_t row, std::int64_t rows) {
      RowMask mask(dropout, width);
      const std::int64_t first = row * width;
      ResidualNormForward<T> run;
      run.in = read<T>(input, first);
      run.bias = read<T>(bias, 0);
      run.residual = read<T>(residual, first);
      run.scale = read<T>(weights.scale, 0);
      run.shift = read<T>(weights.shift, 0);
      run.mask = mask.draw(row, rows);
      run.kept_factor = static_cast<T>(dropout.kept_factor());
      run.epsilon = static_cast<T>(weights.epsilon);
      run.out = write<T>(result.out, first);
      run.normal = result.normal.defined() ? write<T>(result.normal, first) : nullptr;
      run.inverse_deviation = write<T>(result.inverse_deviation, row);
      residual_norm(Extent{rows, width}, run);
    });
  });
  return result;
}

ResidualNormGradients residual_norm_backward(const at::Tensor& gradient, const ResidualNorm& kept,
                                             const NormWeights& weights, const DropoutRun& dropout) {
  RECORD_USER_SCOPE("berth: dropout, residual, norm, backward");
  const std::int64_t width = gradient.size(1);
  ResidualNormGradients result;
  result.residual = at::empty_like(gradient);
  result.input = dropout.p > 0 ? at::empty_like(gradient) : result.residual;
  const at::Tensor sums = chunk_sums(gradient, 3 * width);
  for_type(gradient, [&](auto tag) {
    using T = decltype(tag);
    for_row_chunks(gradient.size(0), [&](std::int64_t chunk, std::int64_t row, std::int64_t rows) {
      RowMask mask(dropout, width);
      const std::int64_t first = row * width;
      ResidualNormBackward<T> run;
      run.gradient = read<T>(gradient, first);
      run.normal = read<T>(kept.normal, first);
      run.inverse_deviation = read<T>(kept.inverse_deviation, row);
      run.scale = read<T>(weights.scale, 0);
      run.mask = mask.draw(row, rows);
      run.kept_factor = static_cast<T>(dropout.kept_factor());
      run.residual = write<T>(result.residual, first);
      run.in = dropout.p > 0 ? write<T>(result.input, first) : nullptr;
      run.bias = write<T>(sums, chunk * 3 * width);
      run.scale_gradient = run.bias + width;
      run.shift_gradient = run.bias + 2 * width;
      residual_norm_backward(Extent{rows, width}, run);
    });
  });
  const at::Tensor total = total_of(sums);
  result.bias = total.narrow(0, 0, width);
  result.scale = total.narrow(0, width, width);
  result.shift = total.narrow(0, 2 * width, width);
  return result;
}

}  // namespace berth::model

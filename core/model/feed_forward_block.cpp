#include "core/model/feed_forward_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sum.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/model/activation.h"
#include "core/model/autograd_block.h"
#include "core/model/chunks.h"
#include "core/model/layer_kernels.h"

namespace berth::model {
namespace {

enum Input : std::uint8_t {
  kHidden,
  kUpWeight,
  kUpBias,
  kDownWeight,
  kDownBias,
  kNormScale,
  kNormShift,
  kArguments = kNormShift + 3,  // with the settings
};

at::Tensor activate_with_bias(Activation activation, const at::Tensor& up, const at::Tensor& bias) {
  RECORD_USER_SCOPE("berth: activation, forward");
  if (activation != Activation::kGelu) return activate(activation, up + bias);
  at::Tensor out = at::empty_like(up);
  const std::int64_t width = up.size(1);
  for_type(up, [&](auto tag) {
    using T = decltype(tag);
    for_row_chunks(up.size(0), [&](std::int64_t, std::int64_t row, std::int64_t rows) {
      bias_gelu(Extent{rows, width}, up.const_data_ptr<T>() + row * width, bias.const_data_ptr<T>(),
                out.data_ptr<T>() + row * width);
    });
  });
  return out;
}

struct Activated {
  at::Tensor out;       // once more
  at::Tensor gradient;  // of the activation's input
  at::Tensor bias;
};

// gradient, of the activation's output, is used up.
Activated activation_backward(Activation activation, const at::Tensor& up, const at::Tensor& bias,
                              const at::Tensor& gradient) {
  RECORD_USER_SCOPE("berth: activation, backward");
  if (activation != Activation::kGelu) {
    const at::AutoGradMode grad_mode(true);
    const at::Tensor input = (up + bias).detach().requires_grad_(true);
    const at::Tensor out = activate(activation, input);
    const at::Tensor inner = torch::autograd::grad({out}, {input}, {gradient})[0];
    return {out.detach(), inner, inner.sum(0)};
  }
  Activated result{at::empty_like(up), gradient, {}};
  const std::int64_t width = up.size(1);
  const at::Tensor sums = chunk_sums(up, width);
  for_type(up, [&](auto tag) {
    using T = decltype(tag);
    for_row_chunks(up.size(0), [&](std::int64_t chunk, std::int64_t row, std::int64_t rows) {
      const std::int64_t first = row * width;
      bias_gelu_backward(Extent{rows, width},
                         GeluBackward<T>{up.const_data_ptr<T>() + first, bias.const_data_ptr<T>(),
                                         result.out.template data_ptr<T>() + first, gradient.data_ptr<T>() + first,
                                         sums.data_ptr<T>() + chunk * width});
    });
  });
  result.bias = total_of(sums);
  return result;
}

class FeedForwardBlock : public torch::autograd::Function<FeedForwardBlock> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& up_weight,
                            const at::Tensor& up_bias, const at::Tensor& down_weight, const at::Tensor& down_bias,
                            const at::Tensor& norm_scale, const at::Tensor& norm_shift, const FeedForwardRun& run,
                            Keep keep) {
    const auto read = [&](const at::Tensor& tensor) { return operand(tensor, run.products); };
    const at::Tensor from = read(hidden);
    const at::Tensor to_up = read(up_weight);
    const at::Tensor to_down = read(down_weight);
    const at::Tensor up = product(from, to_up.t());
    const ResidualNorm result =
        residual_norm(product(read(activate_with_bias(run.activation, up, up_bias)), to_down.t()), down_bias, hidden,
                      {norm_scale, norm_shift, run.epsilon}, run.dropout, keep);
    if (keep == Keep::kForBackward) {
      context->save_for_backward(
          {from, up, result.normal, result.inverse_deviation, to_up, up_bias, to_down, norm_scale});
      save_run(*context, run);
    }
    return result.out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    check_first_derivative();
    const FeedForwardRun& run = saved_run<FeedForwardRun>(*context);
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& from = saved[0];
    const at::Tensor& to_up = saved[4];
    const at::Tensor& to_down = saved[6];
    const auto read = [&](const at::Tensor& tensor) { return operand(tensor, run.products); };
    const auto needs = [&](Input place) { return context->needs_input_grad(place); };

    variable_list result(kArguments);
    const ResidualNormGradients norm = residual_norm_backward(gradients[0].contiguous(), {{}, saved[2], saved[3]},
                                                              {saved[7], {}, run.epsilon}, run.dropout);
    result[kDownBias] = norm.bias;
    result[kNormScale] = norm.scale;
    result[kNormShift] = norm.shift;
    const bool below = needs(kHidden) || needs(kUpWeight) || needs(kUpBias);
    if (!below && !needs(kDownWeight)) return result;
    const at::Tensor out_gradient = read(norm.input);
    const Activated inner = activation_backward(run.activation, saved[1], saved[5], product(out_gradient, to_down));
    if (needs(kDownWeight)) result[kDownWeight] = product(out_gradient.t(), read(inner.out));
    const at::Tensor up_gradient = read(inner.gradient);
    if (needs(kUpWeight)) result[kUpWeight] = product(up_gradient.t(), from);
    result[kUpBias] = inner.bias;
    if (!needs(kHidden)) return result;
    // norm.input, which may be the same memory, is not read any more.
    result[kHidden] = norm.residual;
    add_product(result[kHidden], up_gradient, to_up);
    return result;
  }
};

}  // namespace

at::Tensor feed_forward_block(const at::Tensor& hidden, const FeedForwardWeights& w, const FeedForwardRun& run) {
  const Keep keep =
      kept_for({&hidden, &w.up_weight, &w.up_bias, &w.down_weight, &w.down_bias, &w.norm_scale, &w.norm_shift});
  return FeedForwardBlock::apply(hidden, w.up_weight, w.up_bias, w.down_weight, w.down_bias, w.norm_scale, w.norm_shift,
                                 run, keep);
}

}  // namespace berth::model

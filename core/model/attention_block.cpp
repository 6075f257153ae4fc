#include "core/model/attention_block.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sum.h>

#include "core/model/autograd_block.h"

namespace berth::model {
namespace {

// Places of the inputs among forward's arguments, and so of their gradients among backward's results.
enum Input : std::uint8_t {
  kHidden,
  kQueryWeight,
  kQueryBias,
  kKeyWeight,
  kKeyBias,
  kValueWeight,
  kValueBias,
  kOutputWeight,
  kOutputBias,
  kNormScale,
  kNormShift,
  kArguments = kNormShift + 3,  // with the settings
};

const at::Tensor& query_offsets(const AttentionRun& run) { return run.rows.defined() ? run.row_offsets : run.offsets; }

class AttentionBlock : public torch::autograd::Function<AttentionBlock> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& query_weight,
                            const at::Tensor& query_bias, const at::Tensor& key_weight, const at::Tensor& key_bias,
                            const at::Tensor& value_weight, const at::Tensor& value_bias,
                            const at::Tensor& output_weight, const at::Tensor& output_bias,
                            const at::Tensor& norm_scale, const at::Tensor& norm_shift, const AttentionRun& run,
                            Keep keep) {
    const at::Tensor source = run.rows.defined() ? at::index_select(hidden, 0, run.rows) : hidden;
    const AttentionInput input{at::addmm(query_bias, source, query_weight.t()),
                               at::addmm(key_bias, hidden, key_weight.t()),
                               at::addmm(value_bias, hidden, value_weight.t()), query_offsets(run), run.offsets};
    const AttentionOutput attended = packed_attention(input, run.attention);
    const ResidualNorm result = residual_norm(at::mm(attended.out, output_weight.t()), output_bias, source,
                                              {norm_scale, norm_shift, run.epsilon}, run.dropout, keep);
    if (keep == Keep::kForBackward) {
      context->save_for_backward({hidden, source, input.query, input.key, input.value, attended.out,
                                  attended.statistics, result.normal, result.inverse_deviation, query_weight,
                                  key_weight, value_weight, output_weight, norm_scale});
      save_run(*context, run);
    }
    return result.out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    check_first_derivative();
    const AttentionRun& run = saved_run<AttentionRun>(*context);
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& hidden = saved[0];
    const at::Tensor& source = saved[1];
    const AttentionInput input{saved[2], saved[3], saved[4], query_offsets(run), run.offsets};
    const AttentionOutput attended{saved[5], saved[6]};
    const at::Tensor& query_weight = saved[9];
    const at::Tensor& key_weight = saved[10];
    const at::Tensor& value_weight = saved[11];
    const at::Tensor& output_weight = saved[12];
    const auto needs = [&](Input place) { return context->needs_input_grad(place); };

    variable_list result(kArguments);
    const ResidualNormGradients norm = residual_norm_backward(gradients[0].contiguous(), {{}, saved[7], saved[8]},
                                                              {saved[13], {}, run.epsilon}, run.dropout);
    result[kOutputBias] = norm.bias;
    result[kNormScale] = norm.scale;
    result[kNormShift] = norm.shift;
    if (needs(kOutputWeight)) result[kOutputWeight] = at::mm(norm.input.t(), attended.out);

    bool below = needs(kHidden);
    for (int place = kQueryWeight; place <= kValueBias; ++place) below |= needs(static_cast<Input>(place));
    if (!below) return result;
    const AttentionGradients inner =
        packed_attention_backward(input, attended, at::mm(norm.input, output_weight), run.attention);
    const auto projection = [&](const at::Tensor& gradient, const at::Tensor& from, Input weight, Input bias) {
      if (needs(weight)) result[weight] = at::mm(gradient.t(), from);
      if (needs(bias)) result[bias] = gradient.sum(0);
    };
    projection(inner.query, source, kQueryWeight, kQueryBias);
    projection(inner.key, hidden, kKeyWeight, kKeyBias);
    projection(inner.value, hidden, kValueWeight, kValueBias);
    if (!needs(kHidden)) return result;
    // norm.input, which may be the same memory, is not read any more.
    const at::Tensor source_gradient = norm.residual.addmm_(inner.query, query_weight);
    if (run.rows.defined()) {
      result[kHidden] = at::mm(inner.key, key_weight).addmm_(inner.value, value_weight);
      result[kHidden].index_add_(0, run.rows, source_gradient);
    } else {
      result[kHidden] = source_gradient.addmm_(inner.key, key_weight).addmm_(inner.value, value_weight);
    }
    return result;
  }
};

}  // namespace

at::Tensor attention_block(const at::Tensor& hidden, const AttentionWeights& w, const AttentionRun& run) {
  const Keep keep = kept_for({&hidden, &w.query_weight, &w.query_bias, &w.key_weight, &w.key_bias, &w.value_weight,
                              &w.value_bias, &w.output_weight, &w.output_bias, &w.norm_scale, &w.norm_shift});
  return AttentionBlock::apply(hidden, w.query_weight, w.query_bias, w.key_weight, w.key_bias, w.value_weight,
                               w.value_bias, w.output_weight, w.output_bias, w.norm_scale, w.norm_shift, run, keep);
}

}  // namespace berth::model

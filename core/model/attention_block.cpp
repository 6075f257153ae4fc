#include "core/model/attention_block.h"

#include <ATen/ops/index_select.h>
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
    const auto read = [&](const at::Tensor& tensor) { return operand(tensor, run.products); };
    const at::Tensor keys_from = read(hidden);
    const at::Tensor queries_from = run.rows.defined() ? read(source) : keys_from;
    const at::Tensor to_query = read(query_weight);
    const at::Tensor to_key = read(key_weight);
    const at::Tensor to_value = read(value_weight);
    const at::Tensor to_output = read(output_weight);
    const AttentionInput input{product_plus(queries_from, to_query.t(), query_bias),
                               product_plus(keys_from, to_key.t(), key_bias),
                               product_plus(keys_from, to_value.t(), value_bias), query_offsets(run), run.offsets};
    const AttentionOutput attended = packed_attention(input, run.attention);
    const ResidualNorm result = residual_norm(product(read(attended.out), to_output.t()), output_bias, source,
                                              {norm_scale, norm_shift, run.epsilon}, run.dropout, keep);
    if (keep == Keep::kForBackward) {
      context->save_for_backward({keys_from, queries_from, input.query, input.key, input.value, attended.out,
                                  attended.statistics, result.normal, result.inverse_deviation, to_query, to_key,
                                  to_value, to_output, norm_scale});
      save_run(*context, run);
    }
    return result.out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    check_first_derivative();
    const AttentionRun& run = saved_run<AttentionRun>(*context);
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& keys_from = saved[0];
    const at::Tensor& queries_from = saved[1];
    const AttentionInput input{saved[2], saved[3], saved[4], query_offsets(run), run.offsets};
    const AttentionOutput attended{saved[5], saved[6]};
    const at::Tensor& to_query = saved[9];
    const at::Tensor& to_key = saved[10];
    const at::Tensor& to_value = saved[11];
    const at::Tensor& to_output = saved[12];
    const auto read = [&](const at::Tensor& tensor) { return operand(tensor, run.products); };
    const auto needs = [&](Input place) { return context->needs_input_grad(place); };

    variable_list result(kArguments);
    const ResidualNormGradients norm = residual_norm_backward(gradients[0].contiguous(), {{}, saved[7], saved[8]},
                                                              {saved[13], {}, run.epsilon}, run.dropout);
    result[kOutputBias] = norm.bias;
    result[kNormScale] = norm.scale;
    result[kNormShift] = norm.shift;
    const at::Tensor out_gradient = read(norm.input);
    if (needs(kOutputWeight)) result[kOutputWeight] = product(out_gradient.t(), read(attended.out));

    bool below = needs(kHidden);
    for (int place = kQueryWeight; place <= kValueBias; ++place) below |= needs(static_cast<Input>(place));
    if (!below) return result;
    const AttentionGradients inner =
        packed_attention_backward(input, attended, product(out_gradient, to_output), run.attention);
    // Returns the gradient as an operand.
    const auto projection = [&](const at::Tensor& gradient, const at::Tensor& from, Input weight, Input bias) {
      at::Tensor factor = read(gradient);
      if (needs(weight)) result[weight] = product(factor.t(), from);
      if (needs(bias)) result[bias] = gradient.sum(0);
      return factor;
    };
    const at::Tensor query_gradient = projection(inner.query, queries_from, kQueryWeight, kQueryBias);
    const at::Tensor key_gradient = projection(inner.key, keys_from, kKeyWeight, kKeyBias);
    const at::Tensor value_gradient = projection(inner.value, keys_from, kValueWeight, kValueBias);
    if (!needs(kHidden)) return result;
    // norm.input, which may be the same memory, is not read any more.
    at::Tensor source_gradient = norm.residual;
    add_product(source_gradient, query_gradient, to_query);
    if (run.rows.defined()) {
      result[kHidden] = product(key_gradient, to_key);
      add_product(result[kHidden], value_gradient, to_value);
      result[kHidden].index_add_(0, run.rows, source_gradient);
    } else {
      add_product(source_gradient, key_gradient, to_key);
      add_product(source_gradient, value_gradient, to_value);
      result[kHidden] = source_gradient;
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

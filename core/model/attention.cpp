#include "core/model/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <vector>

#include "core/model/attention_kernel.h"
#include "core/model/chunks.h"

namespace berth::model {
namespace {

// Where each sequence lies, and its share of the dropout indices.
class Plan {
 public:
  Plan(const at::Tensor& query_offsets, const at::Tensor& key_offsets, std::int64_t width,
       const AttentionOptions& options)
      : sequences_(key_offsets.numel() - 1),
        query_offsets_(query_offsets.const_data_ptr<std::int64_t>()),
        key_offsets_(key_offsets.const_data_ptr<std::int64_t>()),
        options_(options) {
    largest_.width = width / options.heads;
    first_elements_.reserve(static_cast<std::size_t>(sequences_));
    std::int64_t element = 0;
    for (std::int64_t b = 0; b < sequences_; ++b) {
      first_elements_.push_back(element);
      element += options.heads * element_count(keys(b));
      largest_.queries = std::max(largest_.queries, queries(b));
      largest_.keys = std::max(largest_.keys, keys(b));
    }
  }

  const HeadShape& largest() const { return largest_; }
  std::int64_t query_row(std::int64_t b) const { return query_offsets_[b]; }
  std::int64_t key_row(std::int64_t b) const { return key_offsets_[b]; }

  // f(sequence, head, shape, scratch) for all of them, on all threads. Heads are the outer order, so that each thread
  // gets its share of long and short sequences. scratch_size: values of T for largest().
  template <typename T, typename F>
  void for_heads(std::size_t scratch_size, const at::Tensor& like, const F& f) const {
    const auto options = at::TensorOptions().dtype(like.dtype()).device(at::kCPU);
    at::parallel_for(0, sequences_ * options_.heads, 1, [&](std::int64_t begin, std::int64_t end) {
      const at::Tensor scratch = at::empty({static_cast<std::int64_t>(scratch_size)}, options);
      for (std::int64_t item = begin; item < end; ++item) {
        const std::int64_t b = item % sequences_;
        const std::int64_t head = item / sequences_;
        if (keys(b) > 0) f(b, head, shape(b, head), scratch.data_ptr<T>());
      }
    });
  }

 private:
  std::int64_t queries(std::int64_t b) const { return query_offsets_[b + 1] - query_offsets_[b]; }
  std::int64_t keys(std::int64_t b) const { return key_offsets_[b + 1] - key_offsets_[b]; }

  HeadShape shape(std::int64_t b, std::int64_t head) const {
    return {queries(b), keys(b), largest_.width, options_.dropout,
            first_elements_[static_cast<std::size_t>(b)] + head * element_count(keys(b))};
  }

  std::int64_t sequences_;
  const std::int64_t* query_offsets_;
  const std::int64_t* key_offsets_;
  AttentionOptions options_;
  HeadShape largest_;
  std::vector<std::int64_t> first_elements_;
};

// One head's columns of the rows from `row` on.
template <typename T>
Rows<const T> head_rows(const at::Tensor& tensor, std::int64_t row, std::int64_t head, const HeadShape& shape) {
  return {tensor.const_data_ptr<T>() + row * tensor.stride(0) + head * shape.width, tensor.stride(0)};
}
template <typename T>
Rows<T> head_rows_out(const at::Tensor& tensor, std::int64_t row, std::int64_t head, const HeadShape& shape) {
  return {tensor.data_ptr<T>() + row * tensor.stride(0) + head * shape.width, tensor.stride(0)};
}

at::Tensor with_plain_rows(const at::Tensor& tensor) { return tensor.stride(1) == 1 ? tensor : tensor.contiguous(); }

AttentionInput with_plain_rows(const AttentionInput& input) {
  return {with_plain_rows(input.query), with_plain_rows(input.key), with_plain_rows(input.value), input.query_offsets,
          input.key_offsets};
}

template <typename T>
HeadInputs<T> head_inputs(const AttentionInput& input, std::int64_t query_row, std::int64_t key_row, std::int64_t head,
                          const HeadShape& shape) {
  return {head_rows<T>(input.query, query_row, head, shape), head_rows<T>(input.key, key_row, head, shape),
          head_rows<T>(input.value, key_row, head, shape)};
}

template <typename T>
void forward_all(const Plan& plan, const AttentionInput& input, const AttentionOutput& output) {
  const at::Tensor& statistics = output.statistics;
  plan.for_heads<T>(
      forward_scratch<T>(plan.largest()), output.out,
      [&](std::int64_t b, std::int64_t head, const HeadShape& shape, T* scratch) {
        const std::int64_t q = plan.query_row(b);
        T* maximum = statistics.data_ptr<T>() + head * statistics.stride(1) + q;
        attend(shape, head_inputs<T>(input, q, plan.key_row(b), head, shape),
               HeadOutputs<T>{head_rows_out<T>(output.out, q, head, shape), maximum, maximum + statistics.stride(0)},
               scratch);
      });
}

template <typename T>
void backward_all(const Plan& plan, const AttentionInput& input, const AttentionOutput& output,
                  const at::Tensor& gradient, const AttentionGradients& result) {
  const at::Tensor& statistics = output.statistics;
  plan.for_heads<T>(backward_scratch<T>(plan.largest()), output.out,
                    [&](std::int64_t b, std::int64_t head, const HeadShape& shape, T* scratch) {
                      const std::int64_t q = plan.query_row(b);
                      const std::int64_t k = plan.key_row(b);
                      HeadGradients<T> gradients;
                      gradients.out = head_rows<T>(output.out, q, head, shape);
                      gradients.out_gradient = head_rows<T>(gradient, q, head, shape);
                      gradients.maximum = statistics.const_data_ptr<T>() + head * statistics.stride(1) + q;
                      gradients.inverse_sum = gradients.maximum + statistics.stride(0);
                      gradients.query = head_rows_out<T>(result.query, q, head, shape);
                      gradients.key = head_rows_out<T>(result.key, k, head, shape);
                      gradients.value = head_rows_out<T>(result.value, k, head, shape);
                      attend_backward(shape, head_inputs<T>(input, q, k, head, shape), gradients, scratch);
                    });
}

void check_offsets(const at::Tensor& offsets, std::int64_t rows) {
  TORCH_CHECK(offsets.is_cpu() && offsets.scalar_type() == at::kLong && offsets.dim() == 1 && offsets.numel() > 0 &&
                  offsets.is_contiguous(),
              "offsets are [B + 1] int64 on the CPU");
  const auto* data = offsets.const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b + 1 < offsets.numel(); ++b) {
    TORCH_CHECK(data[b] <= data[b + 1], "offsets decrease");
  }
  TORCH_CHECK(data[0] == 0 && data[offsets.numel() - 1] == rows, "offsets don't cover all ", rows, " rows");
}

}  // namespace

AttentionOutput packed_attention(const AttentionInput& input, const AttentionOptions& options) {
  RECORD_USER_SCOPE("berth: attention, forward");
  const at::Tensor& query = input.query;
  const at::Tensor& key = input.key;
  const at::Tensor& value = input.value;
  TORCH_CHECK(query.dim() == 2 && key.dim() == 2 && key.sizes() == value.sizes() && query.size(1) == key.size(1) &&
                  options.heads > 0 && query.size(1) % options.heads == 0,
              "attention of ", query.sizes(), " over ", key.sizes(), " and ", value.sizes(), " with ", options.heads,
              " heads");
  const auto type = query.scalar_type();
  TORCH_CHECK((type == at::kFloat || type == at::kDouble) && key.scalar_type() == type && value.scalar_type() == type &&
                  query.is_cpu() && key.is_cpu() && value.is_cpu(),
              "attention wants float32 or float64 on the CPU, the same for query, key and value");
  check_offsets(input.query_offsets, query.size(0));
  check_offsets(input.key_offsets, key.size(0));
  TORCH_CHECK(input.query_offsets.numel() == input.key_offsets.numel(), "as many sequences of queries as of keys");
  const auto* queries = input.query_offsets.const_data_ptr<std::int64_t>();
  const auto* keys = input.key_offsets.const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b + 1 < input.key_offsets.numel(); ++b) {
    TORCH_CHECK(queries[b + 1] - queries[b] <= keys[b + 1] - keys[b], "more queries than tokens in sequence ", b);
  }
  AttentionOutput output{at::empty(query.sizes(), query.options()),
                         at::empty({2, options.heads, query.size(0)}, query.options())};
  const Plan plan(input.query_offsets, input.key_offsets, query.size(1), options);
  for_type(query, [&](auto tag) { forward_all<decltype(tag)>(plan, with_plain_rows(input), output); });
  return output;
}

AttentionGradients packed_attention_backward(const AttentionInput& input, const AttentionOutput& output,
                                             const at::Tensor& gradient, const AttentionOptions& options) {
  RECORD_USER_SCOPE("berth: attention, backward");
  const auto empty = [](const at::Tensor& like) { return at::empty(like.sizes(), like.options()); };
  AttentionGradients gradients{empty(input.query), empty(input.key), empty(input.value)};
  const Plan plan(input.query_offsets, input.key_offsets, input.query.size(1), options);
  for_type(input.query, [&](auto tag) {
    backward_all<decltype(tag)>(plan, with_plain_rows(input), output, with_plain_rows(gradient), gradients);
  });
  return gradients;
}

}  // namespace berth::model

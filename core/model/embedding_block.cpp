#include "core/model/embedding_block.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/model/autograd_block.h"
#include "core/model/chunks.h"
#include "core/model/layer_kernels.h"
#include "core/model/row_mask.h"

namespace berth::model {
namespace {

// Places of the inputs among forward's arguments, and so of their gradients among backward's results.
enum Input : std::uint8_t {
  kWord,
  kSegment,
  kPosition,
  kNormScale,
  kNormShift,
  kArguments = kNormShift + 3,  // with the settings
};

const std::int64_t* numbers(const at::Tensor& tensor, std::int64_t first = 0) {
  return tensor.const_data_ptr<std::int64_t>() + first;
}

ResidualNorm embed(const EmbeddingWeights& weights, const EmbeddingRun& run, Keep keep) {
  RECORD_USER_SCOPE("berth: embeddings, forward");
  const std::int64_t width = weights.word.size(1);
  ResidualNorm result;
  result.out = at::empty({run.ids.size(0), width}, weights.word.options());
  result.inverse_deviation = at::empty({run.ids.size(0)}, weights.word.options());
  if (keep == Keep::kForBackward) result.normal = at::empty_like(result.out);
  for_type(result.out, [&](auto tag) {
    using T = decltype(tag);
    for_row_chunks(run.ids.size(0), [&](std::int64_t, std::int64_t row, std::int64_t rows) {
      const Extent extent{rows, width};
      T* out = result.out.data_ptr<T>() + row * width;
      embedding_sum(extent, EmbeddingSum<T>{weights.word.const_data_ptr<T>(), weights.segment.const_data_ptr<T>(),
                                            weights.position.const_data_ptr<T>(), numbers(run.ids, row),
                                            numbers(run.segments, row), numbers(run.positions, row), out});
      ResidualNormForward<T> norm{};
      norm.in = out;
      norm.scale = weights.norm_scale.const_data_ptr<T>();
      norm.shift = weights.norm_shift.const_data_ptr<T>();
      norm.epsilon = static_cast<T>(run.epsilon);
      norm.out = out;
      norm.normal = result.normal.defined() ? result.normal.data_ptr<T>() + row * width : nullptr;
      norm.inverse_deviation = result.inverse_deviation.data_ptr<T>() + row;
      residual_norm(extent, norm);
      RowMask mask(run.dropout, width);
      if (const auto* bytes = mask.draw(row, rows)) {
        apply_mask(extent, Masked<T>{out, bytes, static_cast<T>(run.dropout.kept_factor()), out});
      }
    });
  });
  return result;
}

struct EmbeddedGradients {
  at::Tensor sum;           // [N, width]: of what the tables' rows were added up to
  at::Tensor scale, shift;  // [width]
};

EmbeddedGradients embed_backward(const at::Tensor& gradient, const ResidualNorm& kept, const at::Tensor& scale,
                                 const EmbeddingRun& run) {
  const std::int64_t width = gradient.size(1);
  EmbeddedGradients result;
  result.sum = at::empty_like(gradient);
  const at::Tensor sums = chunk_sums(gradient, 2 * width);
  for_type(gradient, [&](auto tag) {
    using T = decltype(tag);
    for_row_chunks(gradient.size(0), [&](std::int64_t chunk, std::int64_t row, std::int64_t rows) {
      const Extent extent{rows, width};
      const std::int64_t first = row * width;
      ResidualNormBackward<T> norm{};
      norm.gradient = gradient.const_data_ptr<T>() + first;
      norm.normal = kept.normal.const_data_ptr<T>() + first;
      norm.inverse_deviation = kept.inverse_deviation.const_data_ptr<T>() + row;
      norm.scale = scale.const_data_ptr<T>();
      norm.residual = result.sum.data_ptr<T>() + first;
      norm.scale_gradient = sums.data_ptr<T>() + chunk * 2 * width;
      norm.shift_gradient = norm.scale_gradient + width;
      RowMask mask(run.dropout, width);
      if (const auto* bytes = mask.draw(row, rows)) {
        apply_mask(extent, Masked<T>{norm.gradient, bytes, static_cast<T>(run.dropout.kept_factor()), norm.residual});
        norm.gradient = norm.residual;
      }
      residual_norm_backward(extent, norm);
    });
  });
  const at::Tensor total = total_of(sums);
  result.scale = total.narrow(0, 0, width);
  result.shift = total.narrow(0, width, width);
  return result;
}

// Which tokens read which row of a table.
struct Readers {
  std::vector<std::int64_t> rows;    // those that are read, ascending
  std::vector<std::int64_t> tokens;  // by row, each row's in order
  std::vector<std::int64_t> begin;   // [rows + 1] into tokens

  explicit Readers(const at::Tensor& ids, std::int64_t without = -1) {
    const auto* id = numbers(ids);
    tokens.resize(static_cast<std::size_t>(ids.numel()));
    std::iota(tokens.begin(), tokens.end(), std::int64_t{0});
    std::erase_if(tokens, [&](std::int64_t token) { return id[token] == without; });
    std::stable_sort(tokens.begin(), tokens.end(), [&](std::int64_t a, std::int64_t b) { return id[a] < id[b]; });
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (!rows.empty() && rows.back() == id[tokens[i]]) continue;
      rows.push_back(id[tokens[i]]);
      begin.push_back(static_cast<std::int64_t>(i));
    }
    begin.push_back(static_cast<std::int64_t>(tokens.size()));
  }
};

// [readers' rows, width]: the sums over each row's tokens, always in the same order.
at::Tensor sums_by_row(const at::Tensor& gradient, const Readers& readers) {
  const auto count = static_cast<std::int64_t>(readers.rows.size());
  const std::int64_t width = gradient.size(1);
  at::Tensor sums = at::empty({count, width}, gradient.options());
  for_type(gradient, [&](auto tag) {
    using T = decltype(tag);
    const T* from = gradient.const_data_ptr<T>();
    for_chunks(count, 8, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      for (std::int64_t row = first; row < first + rows; ++row) {
        T* to = sums.data_ptr<T>() + row * width;
        std::fill_n(to, width, T{0});
        for (std::int64_t i = readers.begin[row]; i < readers.begin[row + 1]; ++i) {
          const T* token = from + readers.tokens[i] * width;
          for (std::int64_t j = 0; j < width; ++j) to[j] += token[j];
        }
      }
    });
  });
  return sums;
}

at::Tensor row_numbers(const Readers& readers) {
  const auto count = static_cast<std::int64_t>(readers.rows.size());
  at::Tensor rows = at::empty({count}, at::kLong);
  std::copy(readers.rows.begin(), readers.rows.end(), rows.data_ptr<std::int64_t>());
  return rows;
}

at::Tensor sparse_gradient(const at::Tensor& gradient, const Readers& readers, const at::Tensor& table) {
  return at::sparse_coo_tensor(row_numbers(readers).unsqueeze(0), sums_by_row(gradient, readers), table.sizes(),
                               gradient.options().layout(at::kSparse), /*is_coalesced=*/true);
}

at::Tensor dense_gradient(const at::Tensor& gradient, const Readers& readers, const at::Tensor& table) {
  return at::zeros_like(table).index_copy_(0, row_numbers(readers), sums_by_row(gradient, readers));
}

class EmbeddingBlock : public torch::autograd::Function<EmbeddingBlock> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& word, const at::Tensor& segment,
                            const at::Tensor& position, const at::Tensor& norm_scale, const at::Tensor& norm_shift,
                            const EmbeddingRun& run, Keep keep) {
    const ResidualNorm result = embed({word, segment, position, norm_scale, norm_shift}, run, keep);
    if (keep == Keep::kForBackward) {
      context->save_for_backward({result.normal, result.inverse_deviation, norm_scale, word, segment, position});
      save_run(*context, run);
    }
    return result.out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    RECORD_USER_SCOPE("berth: embeddings, backward");
    check_first_derivative();
    const EmbeddingRun& run = saved_run<EmbeddingRun>(*context);
    const variable_list saved = context->get_saved_variables();
    const auto needs = [&](Input place) { return context->needs_input_grad(place); };

    variable_list result(kArguments);
    const EmbeddedGradients inner = embed_backward(gradients[0].contiguous(), {{}, saved[0], saved[1]}, saved[2], run);
    result[kNormScale] = inner.scale;
    result[kNormShift] = inner.shift;
    if (needs(kWord)) result[kWord] = sparse_gradient(inner.sum, Readers(run.ids, run.padding_id), saved[3]);
    if (needs(kSegment)) result[kSegment] = dense_gradient(inner.sum, Readers(run.segments), saved[4]);
    if (needs(kPosition)) result[kPosition] = dense_gradient(inner.sum, Readers(run.positions), saved[5]);
    return result;
  }
};

}  // namespace

at::Tensor embedding_block(const EmbeddingWeights& w, const EmbeddingRun& run) {
  const Keep keep = kept_for({&w.word, &w.segment, &w.position, &w.norm_scale, &w.norm_shift});
  return EmbeddingBlock::apply(w.word, w.segment, w.position, w.norm_scale, w.norm_shift, run, keep);
}

}  // namespace berth::model

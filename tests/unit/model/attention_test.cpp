#include "core/model/attention.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "gradients.h"
#include "instruction_sets.h"
#include "reference.h"

namespace berth::model {
namespace {

using Tensors = std::vector<at::Tensor>;

const std::vector<std::int64_t> kLengths{1, 5, 64, 65, 16, 150};
using testing::difference;
constexpr DropoutKey kKey{7, 9};

at::Tensor offsets_of(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> offsets{0};
  for (const std::int64_t length : lengths) offsets.push_back(offsets.back() + length);
  return at::tensor(offsets, at::kLong);
}

Tensors random_inputs(std::int64_t queries, std::int64_t keys, std::int64_t width, at::ScalarType type) {
  Tensors inputs;
  for (const std::int64_t rows : {queries, keys, keys}) {
    inputs.push_back(at::randn({rows, width}, type).requires_grad_(true));
  }
  return inputs;
}

// packed_attention() and its backward for autograd.
class Attending : public torch::autograd::Function<Attending> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                            const at::Tensor& value, const at::Tensor& query_offsets, const at::Tensor& key_offsets,
                            const AttentionOptions& options) {
    const AttentionOutput output = packed_attention({query, key, value, query_offsets, key_offsets}, options);
    context->save_for_backward({query, key, value, query_offsets, key_offsets, output.out, output.statistics});
    context->saved_data["heads"] = options.heads;
    context->saved_data["dropout"] = options.dropout.p;
    context->saved_data["place"] = static_cast<std::int64_t>(options.dropout.place);
    return output.out;
  }
  static Tensors backward(torch::autograd::AutogradContext* context, const Tensors& gradients) {
    const Tensors saved = context->get_saved_variables();
    const AttentionOptions options{context->saved_data["heads"].toInt(),
                                   {context->saved_data["dropout"].toDouble(), kKey,
                                    static_cast<std::uint32_t>(context->saved_data["place"].toInt())}};
    const auto result = packed_attention_backward({saved[0], saved[1], saved[2], saved[3], saved[4]},
                                                  {saved[5], saved[6]}, gradients[0], options);
    return {result.query, result.key, result.value, {}, {}, {}};
  }
};

at::Tensor attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                  const at::Tensor& query_offsets, const at::Tensor& key_offsets, const AttentionOptions& options) {
  return Attending::apply(query, key, value, query_offsets, key_offsets, options);
}

// The mask of one head and sequence, from dropout_mask by the indices that the kernel documents: sequences one after
// the other, in each the heads, in each a row for each query of padded length, rounded up to dropout's groups.
at::Tensor mask_of(std::int64_t first, std::int64_t length, const AttentionOptions& options) {
  const std::int64_t stride = (length + 15) / 16 * 16;
  at::Tensor mask = at::empty({length, stride}, at::kByte);
  dropout_mask(mask.data_ptr<std::uint8_t>(), first, length * stride, options.dropout);
  return mask.narrow(1, 0, length).to(at::kDouble) / (1 - options.dropout.p);
}

// The same by LibTorch's operators, one sequence and head after the other.
at::Tensor reference(const Tensors& in, const std::vector<std::int64_t>& lengths, const AttentionOptions& options) {
  const std::int64_t width = in[0].size(1) / options.heads;
  Tensors sequences;
  std::int64_t row = 0;
  std::int64_t element = 0;
  for (const std::int64_t length : lengths) {
    Tensors heads;
    for (std::int64_t head = 0; head < options.heads; ++head) {
      const auto part = [&](const at::Tensor& all) {
        return all.narrow(0, row, length).narrow(1, head * width, width);
      };
      const at::Tensor scores = at::matmul(part(in[0]), part(in[1]).t()) / std::sqrt(static_cast<double>(width));
      at::Tensor probabilities = at::softmax(scores, 1);
      if (options.dropout.p > 0) probabilities = probabilities * mask_of(element, length, options).to(scores.dtype());
      heads.push_back(at::matmul(probabilities, part(in[2])));
      element += (length * ((length + 15) / 16 * 16) + 63) / 64 * 64;
    }
    sequences.push_back(at::cat(heads, 1));
    row += length;
  }
  return at::cat(sequences);
}

struct Case {
  std::int64_t heads;
  std::int64_t width;
  double dropout;

  friend void PrintTo(const Case& c, std::ostream* out) {
    *out << c.heads << " heads, width " << c.width << ", dropout " << c.dropout;
  }
};

class Attention : public ::testing::TestWithParam<Case> {};

TEST_P(Attention, EqualsLibTorchWithItsGradients) {
  const Case& c = GetParam();
  const std::int64_t width = c.width;
  const AttentionOptions options{c.heads, {c.dropout, kKey, 4}};
  const at::Tensor offsets = offsets_of(kLengths);
  const std::int64_t tokens = offsets[-1].item<std::int64_t>();
  testing::for_instruction_sets([&] {
    for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
      const double allowed = type == at::kFloat ? 2e-5 : 1e-12;
      const Tensors in = random_inputs(tokens, tokens, width, type);
      const at::Tensor weights = at::randn({tokens, width}, type);
      const at::Tensor ours = attend(in[0], in[1], in[2], offsets, offsets, options);
      (ours * weights).sum().backward();
      Tensors gradients;
      for (const at::Tensor& input : in) {
        gradients.push_back(input.grad().clone());
        input.mutable_grad() = at::Tensor();
      }
      const at::Tensor theirs = reference(in, kLengths, options);
      (theirs * weights).sum().backward();
      EXPECT_LT(difference(ours, theirs), allowed);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_LT(difference(gradients[i], in[i].grad()), allowed) << i;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Widths, Attention,
                         ::testing::Values(Case{1, 16, 0}, Case{3, 96, 0}, Case{2, 10, 0}, Case{4, 4, 0},
                                           Case{3, 96, 0.1}, Case{2, 10, 0.5}, Case{2, 40, 0.1}));

TEST(PackedAttention, PassesTheGradientCheck) {
  const std::vector<std::int64_t> lengths{3, 1, 6};
  const at::Tensor offsets = offsets_of(lengths);
  const Tensors in = random_inputs(10, 10, 8, at::kDouble);
  const at::Tensor weights = at::randn({10, 8}, at::kDouble);
  const AttentionOptions options{2, {0.3, kKey, 1}};
  const auto f = [&] { return (attend(in[0], in[1], in[2], offsets, offsets, options) * weights).sum(); };
  EXPECT_LT(testing::gradient_error(f, in), 1e-8);
}

TEST(PackedAttention, FirstRowsAloneEqualTheFullOnesDropoutAndGradientsIncluded) {
  const at::Tensor offsets = offsets_of(kLengths);
  const std::int64_t tokens = offsets[-1].item<std::int64_t>();
  const std::int64_t sequences = static_cast<std::int64_t>(kLengths.size());
  const at::Tensor first = offsets.narrow(0, 0, sequences);
  const AttentionOptions options{2, {0.2, kKey, 1}};
  const Tensors in = random_inputs(tokens, tokens, 32, at::kDouble);
  const at::Tensor weights = at::randn({sequences, 32}, at::kDouble);
  const auto run = [&](const at::Tensor& output) {
    for (const at::Tensor& input : in) input.mutable_grad() = at::Tensor();
    (output * weights).sum().backward();
    return Tensors{output, in[0].grad(), in[1].grad(), in[2].grad()};
  };
  const Tensors full = run(attend(in[0], in[1], in[2], offsets, offsets, options).index_select(0, first));
  const Tensors alone =
      run(attend(in[0].index_select(0, first), in[1], in[2], at::arange(sequences + 1, at::kLong), offsets, options));
  for (std::size_t i = 0; i < full.size(); ++i) EXPECT_LT(difference(full[i], alone[i]), 1e-12) << i;
}

TEST(PackedAttention, ReadsRowsThatLieApart) {
  const at::Tensor offsets = offsets_of({4, 7});
  const at::Tensor all = at::randn({11, 48});
  const Tensors views{all.narrow(1, 0, 16), all.narrow(1, 16, 16), all.narrow(1, 32, 16)};
  const AttentionOptions options{2, {0, kKey, 1}};
  EXPECT_TRUE(at::equal(
      attend(views[0], views[1], views[2], offsets, offsets, options),
      attend(views[0].contiguous(), views[1].contiguous(), views[2].contiguous(), offsets, offsets, options)));
}

TEST(PackedAttention, IsTheSameForAnyNumberOfThreads) {
  const at::Tensor offsets = offsets_of(kLengths);
  const std::int64_t tokens = offsets[-1].item<std::int64_t>();
  const AttentionOptions options{4, {0.1, kKey, 1}};
  const Tensors in = random_inputs(tokens, tokens, 64, at::kFloat);
  const int threads = at::get_num_threads();
  const auto run = [&](int count) {
    at::set_num_threads(count);
    const at::Tensor output = attend(in[0], in[1], in[2], offsets, offsets, options);
    output.sum().backward();
    Tensors result{output};
    for (const at::Tensor& input : in) {
      result.push_back(input.grad().clone());
      input.mutable_grad() = at::Tensor();
    }
    return result;
  };
  const Tensors one = run(1);
  const Tensors three = run(3);
  at::set_num_threads(threads);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i], three[i])) << i;
}

TEST(PackedAttention, LargeScoresStayFiniteAndNanShows) {
  const at::Tensor offsets = offsets_of({20, 3});
  const AttentionOptions options{1, {0, kKey, 1}};
  Tensors in = random_inputs(23, 23, 16, at::kFloat);
  const at::Tensor large = in[0].detach() * 1e4;
  const at::Tensor result = attend(large, in[1], in[2], offsets, offsets, options);
  EXPECT_TRUE(result.isfinite().all().item<bool>());
  EXPECT_LT(difference(result, reference({large, in[1], in[2]}, {20, 3}, options)), 1e-4);
  large[0][0].fill_(std::numeric_limits<float>::quiet_NaN());
  const at::Tensor broken = attend(large, in[1], in[2], offsets, offsets, options).isnan();
  EXPECT_TRUE(broken[0].all().item<bool>());
  EXPECT_FALSE(broken.narrow(0, 1, 22).any().item<bool>());
}

TEST(PackedAttention, RefusesWhatDoesNotFit) {
  const Tensors in = random_inputs(6, 6, 8, at::kFloat);
  const AttentionOptions options{2, {0, kKey, 1}};
  const auto run = [&](const at::Tensor& query_offsets, const at::Tensor& key_offsets, const AttentionOptions& o) {
    return attend(in[0], in[1], in[2], query_offsets, key_offsets, o);
  };
  const at::Tensor good = offsets_of({2, 4});
  EXPECT_NO_THROW(run(good, good, options));
  EXPECT_THROW(run(good, offsets_of({2, 5}), options), c10::Error);
  EXPECT_THROW(run(good, offsets_of({4, 2}), options), c10::Error);  // more queries than tokens
  EXPECT_THROW(run(good, offsets_of({6}), options), c10::Error);
  EXPECT_THROW(run(good, offsets_of({7, -1}), options), c10::Error);
  EXPECT_THROW(run(good, good.to(at::kInt), options), c10::Error);
  EXPECT_THROW(run(good, good, {3, 0, kKey, 1}), c10::Error);
}

}  // namespace
}  // namespace berth::model

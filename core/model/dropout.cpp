#include "core/model/dropout.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/model/chunks.h"
#include "core/model/clones.h"
#include "core/model/philox.h"

namespace berth::model {
namespace {

// Elements are drawn in groups: a group's 16 counters give 64 words, and element e takes word e / 16 of counter e % 16,
// which stores whole vectors without a shuffle.
constexpr std::int64_t kCounters = 16;
constexpr std::int64_t kGroup = 4 * kCounters;
// Elements that one thread does at a time; a multiple of kGroup, so that only the last chunk ends within a group.
constexpr std::int64_t kChunk = 64 * kGroup;

struct Draw {
  PhiloxKey key;
  std::uint32_t place;
  std::array<std::uint32_t, 2> draw;
  std::uint32_t threshold;  // words below drop
};

Draw make_draw(double p, const DropoutKey& key, std::uint32_t place) {
  TORCH_CHECK(p >= 0 && p < 1, "dropout probability ", p, " is outside of [0, 1)");
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const double threshold = std::min(std::nearbyint(p * 4294967296.0), 4294967295.0);
  return {{low(key.seed), low(key.seed >> 32)},
          place,
          {low(key.draw), low(key.draw >> 32)},
          static_cast<std::uint32_t>(threshold)};
}

// AVX-512 is left out on purpose: g++ 12 shuffles more there and is slower than with AVX2.
BERTH_CLONES("avx2")
void fill_groups(std::uint8_t* __restrict mask, std::uint32_t group, std::int64_t groups, const Draw& draw) {
  const Draw d = draw;
  for (std::int64_t g = 0; g < groups; ++g) {
    std::uint32_t words[4][kCounters];
    const std::uint32_t first = (group + static_cast<std::uint32_t>(g)) * static_cast<std::uint32_t>(kCounters);
    for (std::uint32_t lane = 0; lane < kCounters; ++lane) {
      PhiloxCounter counter = {first + lane, d.place, d.draw[0], d.draw[1]};
      philox4x32_10(counter, d.key);
      for (int word = 0; word < 4; ++word) words[word][lane] = counter[static_cast<std::size_t>(word)];
    }
    const std::uint32_t* word = &words[0][0];
    std::uint8_t* out = mask + g * kGroup;
    for (std::int64_t i = 0; i < kGroup; ++i) out[i] = word[i] >= d.threshold;
  }
}

void fill_mask(std::uint8_t* mask, std::int64_t first, std::int64_t count, const Draw& draw) {
  TORCH_CHECK(first >= 0 && (first + count) / 4 < 4294967296, "dropout of more elements than one place can count");
  if (count == 0) return;
  const auto group_of = [](std::int64_t element) { return static_cast<std::uint32_t>(element / kGroup); };
  const auto part = [&](std::int64_t at, std::int64_t length) {  // within one group
    std::uint8_t whole[kGroup];
    fill_groups(whole, group_of(at), 1, draw);
    std::memcpy(mask, whole + at % kGroup, static_cast<std::size_t>(length));
    mask += length;
  };
  const std::int64_t end = first + count;
  if (first % kGroup != 0) {
    const std::int64_t length = std::min(kGroup - first % kGroup, count);
    part(first, length);
    first += length;
  }
  const std::int64_t groups = (end - first) / kGroup;
  fill_groups(mask, group_of(first), groups, draw);
  mask += groups * kGroup;
  first += groups * kGroup;
  if (first < end) part(first, end - first);
}

template <typename T>
void scale_by_mask(T* __restrict out, const T* __restrict in, const std::uint8_t* __restrict mask, std::int64_t count,
                   T scale) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = in[i] * (mask[i] != 0 ? scale : T{0});
}

// f(type tag, begin, end) over chunks of the tensor's elements.
template <typename F>
void for_elements(const at::Tensor& like, const F& f) {
  for_type(like, [&](auto tag) {
    for_chunks(like.numel(), kChunk,
               [&](std::int64_t, std::int64_t first, std::int64_t count) { f(tag, first, first + count); });
  });
}

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input, double p,
                            const DropoutKey& key, std::uint32_t place) {
    const Draw draw = make_draw(p, key, place);
    const double scale = 1 / (1 - p);
    const at::Tensor in = input.contiguous();
    at::Tensor out = at::empty_like(in);
    const at::Tensor mask = at::empty(in.sizes(), in.options().dtype(at::kByte));
    auto* mask_data = mask.data_ptr<std::uint8_t>();
    for_elements(in, [&](auto tag, std::int64_t begin, std::int64_t end) {
      using T = decltype(tag);
      fill_mask(mask_data + begin, begin, end - begin, draw);
      scale_by_mask(out.data_ptr<T>() + begin, in.const_data_ptr<T>() + begin, mask_data + begin, end - begin,
                    static_cast<T>(scale));
    });
    context->save_for_backward({mask});
    context->saved_data["scale"] = scale;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "dropout has no second derivative: don't ask for create_graph");
    const at::Tensor mask = context->get_saved_variables()[0];
    const double scale = context->saved_data["scale"].toDouble();
    const at::Tensor in = gradients[0].contiguous();
    at::Tensor out = at::empty_like(in);
    for_elements(in, [&](auto tag, std::int64_t begin, std::int64_t end) {
      using T = decltype(tag);
      scale_by_mask(out.data_ptr<T>() + begin, in.const_data_ptr<T>() + begin,
                    mask.const_data_ptr<std::uint8_t>() + begin, end - begin, static_cast<T>(scale));
    });
    return {out, {}, {}, {}};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& input, double p, const DropoutKey& key, std::uint32_t place) {
  if (p == 0) return input;
  TORCH_CHECK(input.is_cpu() && (input.scalar_type() == at::kFloat || input.scalar_type() == at::kDouble),
              "dropout wants float32 or float64 on the CPU, got ", input.toString());
  return DropoutFunction::apply(input, p, key, place);
}

void dropout_mask(std::uint8_t* mask, std::int64_t first, std::int64_t count, double p, const DropoutKey& key,
                  std::uint32_t place) {
  fill_mask(mask, first, count, make_draw(p, key, place));
}

}  // namespace berth::model

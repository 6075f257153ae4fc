#include "core/model/dropout.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "core/model/philox.h"
#include "core/model/simd.h"

namespace berth::model {
namespace {

// Elements are drawn in groups: a group's 16 counters give 64 words, and element e takes word e / 16 of counter e % 16,
// which stores whole vectors without a shuffle.
constexpr std::int64_t kCounters = 16;
constexpr std::int64_t kGroup = 4 * kCounters;

struct Draw {
  PhiloxKey key;
  std::uint32_t place;
  std::array<std::uint32_t, 2> draw;
  std::uint32_t threshold;  // words below drop
};

Draw make_draw(const DropoutRun& dropout) {
  const auto& [p, key, place, before] = dropout;
  static_cast<void>(before);  // of the masks' elements, not of the draw
  TORCH_CHECK(p >= 0 && p < 1, "dropout probability ", p, " is outside of [0, 1)");
  const auto low = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  const double threshold = std::min(std::nearbyint(p * 4294967296.0), 4294967295.0);
  return {{low(key.seed), low(key.seed >> 32)},
          place,
          {low(key.draw), low(key.draw >> 32)},
          static_cast<std::uint32_t>(threshold)};
}

BERTH_INLINE inline void fill_groups_body(std::uint8_t* __restrict mask, std::uint32_t group, std::int64_t groups,
                                          const Draw& draw) {
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

#ifdef __x86_64__
// By hand: of the body above g++ 12 makes code for AVX-512 that is slower than its code for AVX2, which this is six
// times as fast as. Each 64-bit lane holds a word of the counter in its lower half, which is all that the
// multiplication reads; what it leaves in the upper halves is never looked at. One vector has a group's even counters,
// one its odd ones.
__attribute__((target("arch=x86-64-v4"))) void fill_groups_v4(std::uint8_t* mask, std::uint32_t group,
                                                              std::int64_t groups, const Draw& draw) {
  typedef std::uint64_t Words __attribute__((vector_size(64), may_alias));
  typedef long long Lanes __attribute__((vector_size(64), may_alias));  // what intrinsics take
  constexpr __mmask8 kAll = 0xFF;
  const Words even = {0, 2, 4, 6, 8, 10, 12, 14};
  const auto multiplier0 = (Lanes)(Words{} + kPhiloxMultipliers[0]);
  const auto multiplier1 = (Lanes)(Words{} + kPhiloxMultipliers[1]);
  const Lanes threshold = _mm512_set1_epi32(static_cast<int>(draw.threshold));
  for (std::int64_t g = 0; g < groups; ++g) {
    const std::uint32_t first = (group + static_cast<std::uint32_t>(g)) * static_cast<std::uint32_t>(kCounters);
    Words words[4][2];
    for (unsigned odd = 0; odd < 2; ++odd) {
      words[0][odd] = even + first + odd;
      words[1][odd] = Words{} + draw.place;
      words[2][odd] = Words{} + draw.draw[0];
      words[3][odd] = Words{} + draw.draw[1];
    }
    PhiloxKey key = draw.key;
#pragma GCC unroll 10
    for (int round = 0; round < kPhiloxRounds; ++round) {
      for (int odd = 0; odd < 2; ++odd) {
        // The masked form, with all lanes: g++ 12 warns that the plain one reads an uninitialised value.
        const auto product0 = (Words)_mm512_maskz_mul_epu32(kAll, (Lanes)words[0][odd], multiplier0);
        const auto product1 = (Words)_mm512_maskz_mul_epu32(kAll, (Lanes)words[2][odd], multiplier1);
        words[0][odd] = product1 >> 32 ^ words[1][odd] ^ key[0];
        words[1][odd] = product1;
        words[2][odd] = product0 >> 32 ^ words[3][odd] ^ key[1];
        words[3][odd] = product0;
      }
      next_key(key);
    }
    std::uint64_t kept = 0;
    for (int word = 0; word < 4; ++word) {
      const Lanes in_order = _mm512_mask_blend_epi32(0xAAAA, (Lanes)words[word][0], (Lanes)(words[word][1] << 32));
      kept |= std::uint64_t{_mm512_cmpge_epu32_mask(in_order, threshold)} << (word * kCounters);
    }
    _mm512_storeu_si512(mask + g * kGroup, _mm512_maskz_set1_epi8(kept, 1));
  }
}
#endif

void fill_groups(std::uint8_t* mask, std::uint32_t group, std::int64_t groups, const Draw& draw) {
  for_best_instructions<float>([&](auto simd) BERTH_INLINE {
#ifdef __x86_64__
    if constexpr (decltype(simd)::kBytes == 64) return fill_groups_v4(mask, group, groups, draw);
#endif
    fill_groups_body(mask, group, groups, draw);
  });
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

}  // namespace

void dropout_mask(std::uint8_t* mask, std::int64_t first, std::int64_t count, const DropoutRun& dropout) {
  fill_mask(mask, dropout.before + first, count, make_draw(dropout));
}

}  // namespace berth::model

#include "core/model/dropout.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/model/clones.h"
#include "core/model/philox.h"

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

}  // namespace

void dropout_mask(std::uint8_t* mask, std::int64_t first, std::int64_t count, const DropoutRun& dropout) {
  fill_mask(mask, dropout.before + first, count, make_draw(dropout));
}

}  // namespace berth::model

#include "core/model/dropout.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/model/philox.h"
#include "instruction_sets.h"

namespace berth::model {
namespace {

using berth::testing::for_instruction_sets;
using ::testing::ElementsAre;

std::array<std::uint32_t, 4> philox(PhiloxCounter counter, PhiloxKey key) {
  philox4x32_10(counter, key);
  return counter;
}

// The vectors that Random123 publishes in its kat_vectors.
TEST(Philox, KnownAnswers) {
  EXPECT_THAT(philox({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

constexpr DropoutKey kKey{0x1122334455667788, 0x99aabbccddeeff00};

std::vector<std::uint8_t> mask_of(std::int64_t first, std::int64_t count, double p, const DropoutKey& key = kKey,
                                  std::uint32_t place = 5) {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(count), 9);
  dropout_mask(mask.data(), first, count, {p, key, place});
  return mask;
}

TEST(DropoutMask, IsPhiloxOfKeyPlaceAndElement) {
  for_instruction_sets([] {
    const auto mask = mask_of(0, 1000, 0.25);
    for (std::uint32_t i = 0; i < 1000; ++i) {
      const std::uint32_t lane = i % 16;
      const auto words = philox({i / 64 * 16 + lane, 5, 0xddeeff00, 0x99aabbcc}, {0x55667788, 0x11223344});
      EXPECT_EQ(mask[i], words[i % 64 / 16] >= 0x40000000U) << i;
    }
  });
}

TEST(DropoutMask, DependsOnTheElementAloneNotOnThePartAskedFor) {
  const auto whole = mask_of(0, 700, 0.5);
  for_instruction_sets([&] {
    for (const std::int64_t first : {0, 1, 63, 64, 65, 200}) {
      for (const std::int64_t count : {0, 1, 62, 64, 65, 129, 400}) {
        const std::vector<std::uint8_t> expected(whole.begin() + first, whole.begin() + first + count);
        EXPECT_EQ(mask_of(first, count, 0.5), expected) << first << " " << count;
      }
    }
  });
}

// Whose counters reach 2^32 - 1.
TEST(DropoutMask, HasElementsUpToTheLastThatAPlaceCounts) {
  constexpr std::int64_t kLast = std::int64_t{4} << 32;
  const auto mask = mask_of(kLast - 68, 64, 0.5);
  for_instruction_sets([&] { EXPECT_EQ(mask_of(kLast - 68, 64, 0.5), mask); });
  for (std::uint32_t i = 0; i < 64; ++i) {
    const auto element = static_cast<std::uint64_t>(kLast) - 68 + i;
    const auto counter = static_cast<std::uint32_t>(element / 64 * 16 + element % 16);
    const auto words = philox({counter, 5, 0xddeeff00, 0x99aabbcc}, {0x55667788, 0x11223344});
    EXPECT_EQ(mask[i], words[element % 64 / 16] >= 0x80000000U) << i;
  }
}

TEST(DropoutMask, OtherSeedDrawAndPlaceGiveOtherMasks) {
  const auto mask = mask_of(0, 256, 0.5);
  EXPECT_NE(mask, mask_of(0, 256, 0.5, {kKey.seed + 1, kKey.draw}));
  EXPECT_NE(mask, mask_of(0, 256, 0.5, {kKey.seed, kKey.draw + 1}));
  EXPECT_NE(mask, mask_of(0, 256, 0.5, {kKey.seed ^ (1ULL << 63), kKey.draw}));
  EXPECT_NE(mask, mask_of(0, 256, 0.5, {kKey.seed, kKey.draw ^ (1ULL << 63)}));
  EXPECT_NE(mask, mask_of(0, 256, 0.5, kKey, 6));
  EXPECT_EQ(mask, mask_of(0, 256, 0.5));
}

TEST(DropoutMask, KeepsTheShareAskedFor) {
  constexpr std::int64_t kCount = 1'000'000;
  for (const double p : {0.0, 0.01, 0.1, 0.5, 0.9}) {
    const auto mask = mask_of(0, kCount, p);
    const double kept = static_cast<double>(std::count(mask.begin(), mask.end(), 1)) / kCount;
    EXPECT_NEAR(kept, 1 - p, 5 * std::sqrt(p * (1 - p) / kCount)) << p;
  }
}

TEST(DropoutMask, RefusesAProbabilityThatIsNone) {
  EXPECT_THROW(mask_of(0, 4, 1), c10::Error);
  EXPECT_THROW(mask_of(0, 4, -0.1), c10::Error);
}

}  // namespace
}  // namespace berth::model

// Philox 4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3" (2011): four random words as a pure function of a 128-bit counter and a 64-bit key.
#pragma once

#include <array>
#include <cstdint>

namespace berth::model {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

constexpr int kPhiloxRounds = 10;
constexpr std::array<std::uint32_t, 2> kPhiloxMultipliers = {0xD2511F53, 0xCD9E8D57};

// From a round's key to the next one's.
[[gnu::always_inline]] inline void next_key(PhiloxKey& key) {
  key[0] += 0x9E3779B9;
  key[1] += 0xBB67AE85;
}

// Forced inline, so that it vectorises inside of the loop that calls it.
[[gnu::always_inline]] inline void philox4x32_10(PhiloxCounter& counter, PhiloxKey key) {
  std::uint32_t c0 = counter[0];
  std::uint32_t c1 = counter[1];
  std::uint32_t c2 = counter[2];
  std::uint32_t c3 = counter[3];
#pragma GCC unroll 10
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultipliers[0]} * c0;
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultipliers[1]} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key[0];
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key[1];
    c3 = static_cast<std::uint32_t>(product0);
    next_key(key);
  }
  counter = {c0, c1, c2, c3};
}

}  // namespace berth::model

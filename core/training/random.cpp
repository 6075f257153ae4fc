#include "core/training/random.h"

#include <ATen/Context.h>

namespace berth::training {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ULL;

// SplitMix64's output function (Steele, Lea, Flood 2014).
std::uint64_t scramble(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

std::uint64_t mix_in(std::uint64_t h, std::initializer_list<std::uint64_t> parts) {
  for (auto part : parts) h = scramble((h ^ part) + kGolden);
  return h;
}

}  // namespace

std::uint64_t mix(std::initializer_list<std::uint64_t> parts) { return mix_in(kGolden, parts); }

std::uint64_t hash_name(std::string_view name, std::uint64_t before) {
  std::uint64_t h = before;
  for (unsigned char c : name) h = (h ^ c) * 0x100000001B3ULL;
  return h;
}

std::uint64_t stream_seed(std::int64_t seed, std::string_view purpose, std::initializer_list<std::uint64_t> place) {
  return mix_in(mix({static_cast<std::uint64_t>(seed), hash_name(purpose)}), place);
}

void seed_libtorch(std::uint64_t seed) { at::manual_seed(seed); }

std::uint64_t Random::next() {
  state_ += kGolden;
  return scramble(state_);
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Rejects the part of the range that would favour small results.
  const std::uint64_t limit = -bound % bound;
  std::uint64_t value = next();
  while (value < limit) value = next();
  return value % bound;
}

}  // namespace berth::training

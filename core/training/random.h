// Where berth's own randomness comes from: streams named by what they are for, so that a run repeats whatever else
// draws.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::training {

// One number from several, each bit depending on all of them (SplitMix64's finaliser over the parts).
std::uint64_t mix(std::initializer_list<std::uint64_t> parts);

constexpr std::uint64_t kHashOfNothing = 0xCBF29CE484222325ULL;

// FNV-1a, for task names and purposes. before: the hash of what comes before, where it comes in pieces.
std::uint64_t hash_name(std::string_view name, std::uint64_t before = kHashOfNothing);

// Seed of one of a suite's streams: of the suite's own (training.seed), what is drawn, and where in it.
std::uint64_t stream_seed(std::int64_t seed, std::string_view purpose, std::initializer_list<std::uint64_t> place = {});

// Seeds LibTorch's default generator, from which heads draw.
void seed_libtorch(std::uint64_t seed);

// A small counter-based generator for order and sampling; the same on every platform, unlike std::shuffle.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);                                 // uniform in [0, bound), bound > 0
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // in [0, 1)

  template <typename T>
  void shuffle(std::vector<T>& values) {  // Fisher-Yates
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace berth::training

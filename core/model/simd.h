// The compilers' vector types, as wide as the registers are (wider ones are legal, but their comparisons become scalar
// code), and what the kernels compute with them. A kernel's body is a template over Simd that is forced inline into
// for_best_instructions()'s lambda, and so compiled for each instruction set.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/model/instruction_set.h"

#define BERTH_INLINE __attribute__((always_inline))

namespace berth::model {

template <typename Number>
struct SimdNumbers;

template <>
struct SimdNumbers<float> {
  using Integer = std::int32_t;
  static constexpr float kLowest = -87.0F;  // exp of less is not a normal number
  static constexpr float kRounder = 0x1.8p23F;
  static constexpr float kLog2High = 0.693359375F;
  static constexpr float kLog2Low = -2.12194440e-4F;
  static constexpr int kTerms = 8;
  static constexpr int kExponentShift = 23;
  static constexpr std::int32_t kOne = 0x3F800000;
};

template <>
struct SimdNumbers<double> {
  using Integer = std::int64_t;
  static constexpr double kLowest = -708.0;
  static constexpr double kRounder = 0x1.8p52;
  static constexpr double kLog2High = 6.93147180369123816490e-01;
  static constexpr double kLog2Low = 1.90821492927058770002e-10;
  static constexpr int kTerms = 14;
  static constexpr int kExponentShift = 52;
  static constexpr std::int64_t kOne = 0x3FF0000000000000;
};

template <typename Number, int Bytes>
struct Simd {
  using T = Number;
  typedef T Vector __attribute__((vector_size(Bytes), may_alias));
  typedef T Anywhere __attribute__((vector_size(Bytes), may_alias, aligned(sizeof(T))));
  typedef typename SimdNumbers<T>::Integer Integers __attribute__((vector_size(Bytes)));
  static constexpr int kBytes = Bytes;
  static constexpr std::int64_t kLanes = Bytes / static_cast<std::int64_t>(sizeof(T));

  // At a boundary of `Bytes`.
  BERTH_INLINE static Vector& at(T* data) { return *reinterpret_cast<Vector*>(data); }
  BERTH_INLINE static const Vector& at(const T* data) { return *reinterpret_cast<const Vector*>(data); }

  // Anywhere in memory, `count` values; the lanes beyond become zero.
  BERTH_INLINE static void load(Vector& to, const T* from, std::int64_t count) {
    if (count == kLanes) {
      to = *reinterpret_cast<const Anywhere*>(from);
    } else {
      to = Vector{};
      std::memcpy(&to, from, static_cast<std::size_t>(count) * sizeof(T));
    }
  }
  BERTH_INLINE static void store(T* to, const Vector& from, std::int64_t count) {
    if (count == kLanes) {
      *reinterpret_cast<Anywhere*>(to) = from;
    } else {
      std::memcpy(to, &from, static_cast<std::size_t>(count) * sizeof(T));
    }
  }

  // The bytes of a mask, 0 or 1, times `factor`.
  BERTH_INLINE static void load_mask(Vector& to, const std::uint8_t* mask, std::int64_t count, T factor) {
    typedef std::uint8_t Bytes8 __attribute__((vector_size(kLanes)));
    Bytes8 bytes = {};
    std::memcpy(&bytes, mask, static_cast<std::size_t>(count));
    to = __builtin_convertvector(bytes, Vector) * factor;
  }

  // f(first, count) over a row of `width` values, a vector at a time; the count is a constant but for the last.
  template <typename F>
  BERTH_INLINE static void for_row(std::int64_t width, const F& f) {
    std::int64_t first = 0;
    for (; first + kLanes <= width; first += kLanes) f(first, kLanes);
    if (first < width) f(first, width - first);
  }

  BERTH_INLINE static T sum(const Vector& values) {
    T result = 0;
    for (int lane = 0; lane < kLanes; ++lane) result += values[lane];
    return result;
  }

  // exp(x) for x <= 0, to about one unit in the last place: x = n log 2 + r, exp(r) by its series, 2^n by the
  // exponent's bits. Stays NaN for NaN.
  BERTH_INLINE static void exponential(Vector& x) {
    using N = SimdNumbers<T>;
    const Vector lowest = Vector{} + N::kLowest;
    x = x < lowest ? lowest : x;
    const Vector shifted = x * static_cast<T>(1.44269504088896340736) + N::kRounder;
    const Vector n = shifted - N::kRounder;
    const Vector r = (x - n * N::kLog2High) - n * N::kLog2Low;
    Vector series = Vector{} + T{1};
#pragma GCC unroll 16
    for (int term = N::kTerms - 1; term > 0; --term) series = series * (r * (T{1} / static_cast<T>(term))) + T{1};
    Integers bits;
    std::memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits << N::kExponentShift) + N::kOne;
    Vector power;
    std::memcpy(&power, &bits, sizeof(power));
    x = series * power;
  }
};

#ifdef __x86_64__
template <typename T, typename F>
__attribute__((target("arch=x86-64-v4"))) void for_v4(const F& f) {
  f(Simd<T, 64>{});
}
template <typename T, typename F>
__attribute__((target("arch=x86-64-v3"))) void for_v3(const F& f) {
  f(Simd<T, 32>{});
}
#endif

// f(Simd<T, ...>{}) with the registers and instructions of instruction_set(); f is a lambda marked BERTH_INLINE.
template <typename T, typename F>
void for_best_instructions(const F& f) {
  switch (instruction_set()) {
#ifdef __x86_64__
    case InstructionSet::kV4:
      return for_v4<T>(f);
    case InstructionSet::kV3:
      return for_v3<T>(f);
#endif
    default:
      return f(Simd<T, 16>{});
  }
}

}  // namespace berth::model

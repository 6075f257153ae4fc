#include "core/training/adamw_kernel.h"

#include <algorithm>
#include <cmath>

#include "core/model/simd.h"

// Plain loops, which the compiler vectorises for each instruction set that they are inlined into (see CMakeLists.txt
// for this file's flags).
namespace berth::training {
namespace {

using model::for_best_instructions;

template <bool kHasGradient, typename T>
BERTH_INLINE inline void adamw_body(const AdamWNumbers<T>& numbers, const AdamWStep& step) {
  T* __restrict parameter = numbers.parameter;
  T* __restrict mean = numbers.mean;
  T* __restrict variance = numbers.variance;
  const T* __restrict gradient = numbers.gradient;
  const auto scale = static_cast<T>(step.scale);
  const auto decay = static_cast<T>(step.decay);
  const auto new_mean = static_cast<T>(1 - step.beta1);
  const auto old_variance = static_cast<T>(step.beta2);
  const auto new_variance = static_cast<T>(1 - step.beta2);
  const auto step_size = static_cast<T>(step.step_size);
  const auto deviation = static_cast<T>(step.deviation);
  const auto epsilon = static_cast<T>(step.epsilon);
  for (std::int64_t i = 0; i < numbers.count; ++i) {
    T g = 0;
    if constexpr (kHasGradient) g = gradient[i] * scale;
    const T m = mean[i] + new_mean * (g - mean[i]);
    const T v = variance[i] * old_variance + new_variance * (g * g);
    mean[i] = m;
    variance[i] = v;
    // With an update of zero these are the bits of the decay alone, be it one multiply-add or two operations.
    const T update = step_size * m / (std::sqrt(v) * deviation + epsilon);
    parameter[i] = parameter[i] * decay - update;
  }
}

template <typename T>
BERTH_INLINE inline double squares_body(const T* data, std::int64_t count) {
  // Short sums in T, so that they vectorise, added up in double.
  constexpr std::int64_t kLanes = 16;
  constexpr std::int64_t kBlock = 64 * kLanes;
  double total = 0;
  for (std::int64_t first = 0; first < count; first += kBlock) {
    const std::int64_t end = std::min(count, first + kBlock);
    T lanes[kLanes] = {};
    std::int64_t i = first;
    for (; i + kLanes <= end; i += kLanes) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += data[i + lane] * data[i + lane];
    }
    for (; i < end; ++i) lanes[0] += data[i] * data[i];
    for (const T lane : lanes) total += static_cast<double>(lane);
  }
  return total;
}

}  // namespace

template <typename T>
void adamw(const AdamWNumbers<T>& numbers, const AdamWStep& step) {
  for_best_instructions<T>([&](auto) BERTH_INLINE {
    if (numbers.gradient != nullptr) {
      adamw_body<true>(numbers, step);
    } else {
      adamw_body<false>(numbers, step);
    }
  });
}

template <typename T>
void multiply_by_each(const std::vector<double>& factors, T* data, std::int64_t count) {
  for_best_instructions<T>([&](auto) BERTH_INLINE {
    for (const double factor : factors) {
      for (std::int64_t i = 0; i < count; ++i) data[i] *= static_cast<T>(factor);
    }
  });
}

template <typename T>
double sum_of_squares(const T* data, std::int64_t count) {
  double sum = 0;
  for_best_instructions<T>([&](auto) BERTH_INLINE { sum = squares_body(data, count); });
  return sum;
}

template void adamw(const AdamWNumbers<float>&, const AdamWStep&);
template void adamw(const AdamWNumbers<double>&, const AdamWStep&);
template void multiply_by_each(const std::vector<double>&, float*, std::int64_t);
template void multiply_by_each(const std::vector<double>&, double*, std::int64_t);
template double sum_of_squares(const float*, std::int64_t);
template double sum_of_squares(const double*, std::int64_t);

}  // namespace berth::training

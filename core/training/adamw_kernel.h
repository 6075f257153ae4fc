// One AdamW step on plain memory (Loshchilov & Hutter 2019, algorithm 2, in the form of torch.optim.AdamW); compiled
// for several instruction sets.
#pragma once

#include <cstdint>
#include <vector>

namespace berth::training {

// What is the same for all numbers of a parameter in one step.
struct AdamWStep {
  double scale = 1;  // of the gradient
  double decay = 1;  // 1 - rate * weight decay
  double beta1 = 0.9;
  double beta2 = 0.999;
  double step_size = 0;   // rate / (1 - beta1^t)
  double deviation = 1;   // 1 / sqrt(1 - beta2^t)
  double epsilon = 1e-8;  // added to the deviation
};

template <typename T>
struct AdamWNumbers {
  std::int64_t count = 0;
  T* parameter = nullptr;
  const T* gradient = nullptr;  // null: zero
  T *mean = nullptr, *variance = nullptr;
};

template <typename T>
void adamw(const AdamWNumbers<T>& numbers, const AdamWStep& step);

// data[i] times each of the factors in turn: the bits of as many steps of adamw() on numbers whose moments are zero.
template <typename T>
void multiply_by_each(const std::vector<double>& factors, T* data, std::int64_t count);

template <typename T>
double sum_of_squares(const T* data, std::int64_t count);

}  // namespace berth::training

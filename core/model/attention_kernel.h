// Attention of one head over one sequence, on plain memory. Scores live in a scratch of a few rows at a time, never as
// a whole: backward computes them again from queries and keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/model/dropout.h"

namespace berth::model {

// Rows of `width` values each, `stride` values apart.
template <typename T>
struct Rows {
  T* data = nullptr;
  std::int64_t stride = 0;
};

struct HeadShape {
  std::int64_t queries = 0;  // rows of query; the sequence's first tokens
  std::int64_t keys = 0;     // rows of key and value
  std::int64_t width = 0;    // of one head
  DropoutRun dropout;
  std::int64_t first_element = 0;  // where this head's dropout indices for this sequence begin
};

template <typename T>
struct HeadInputs {
  Rows<const T> query, key, value;
};

// maximum, inverse_sum: [queries], each row's softmax in short; backward needs them.
template <typename T>
struct HeadOutputs {
  Rows<T> out;
  T* maximum = nullptr;
  T* inverse_sum = nullptr;
};

template <typename T>
struct HeadGradients {
  Rows<const T> out, out_gradient;
  const T* maximum = nullptr;
  const T* inverse_sum = nullptr;
  Rows<T> query, key, value;  // written
};

// How many dropout indices a head uses over a sequence of `keys` tokens, the same whatever the number of queries: the
// mask of the first row is the same whether or not the others are computed.
std::int64_t element_count(std::int64_t keys);

// Values of T that the calls below need as scratch, at a 64-byte boundary.
template <typename T>
std::size_t forward_scratch(const HeadShape& shape);
template <typename T>
std::size_t backward_scratch(const HeadShape& shape);

template <typename T>
void attend(const HeadShape& shape, const HeadInputs<T>& in, const HeadOutputs<T>& out, T* scratch);

template <typename T>
void attend_backward(const HeadShape& shape, const HeadInputs<T>& in, const HeadGradients<T>& out, T* scratch);

}  // namespace berth::model

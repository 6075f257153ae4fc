// What the tests of several formats share: a small encoder, and the types that golden files have.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/real.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/checkpoint/tensor_file.h"
#include "core/model/config.h"

namespace berth::testing {

inline model::BertConfig small_config() {
  model::BertConfig config;
  config.vocab_size = 30;
  config.hidden_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.intermediate_size = 12;
  config.max_position_embeddings = 10;
  return config;
}

// The file has 0, 1, 2... as [2, 3] in each type, and whether they are 0 as "bool".
inline void expect_every_type(const checkpoint::TensorFile& file) {
  for (const at::ScalarType type :
       {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar, at::kByte,
        at::kFloat8_e4m3fn, at::kFloat8_e5m2, at::kUInt16, at::kUInt32, at::kUInt64, at::kComplexFloat}) {
    std::string name;
    for (const auto& entry : file.entries()) {
      if (entry.dtype == type && entry.shape == std::vector<std::int64_t>{2, 3} && name.empty()) name = entry.name;
    }
    ASSERT_NE(name, "") << type;
    const at::Tensor tensor = file.tensor(name);
    EXPECT_EQ(tensor.scalar_type(), type);
    const at::Tensor values = type == at::kComplexFloat ? at::real(tensor) : tensor;
    EXPECT_TRUE(at::equal(values.to(at::kDouble), at::arange(6, at::kDouble).view({2, 3}))) << name;
  }
  EXPECT_TRUE(at::equal(file.tensor("bool"), at::arange(6).view({2, 3}) != 0));
}

}  // namespace berth::testing
